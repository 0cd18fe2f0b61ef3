"""What a recording is worth: how much speech, how loud, how clipped, how noisy, how wide."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from speakertrip.audio.activity import Stretches, find_speech, runs, total_seconds
from speakertrip.audio.waveform import SAMPLE_RATE

NEAR_FULL_SCALE = 0.9  # a lower peak is no clipping
# A higher peak is of another scale, as of 16-bit numbers kept as floats; a codec adds less to a clip.
OVERSHOOT = 2.0
# Share of the peak: samples beyond lie at it, also where resampling or a codec has rounded the corners.
AT_PEAK = 0.99
CLIPPED_RUN = 3  # samples; a voice that is not clipped rarely stays at its peak so long
BLOCK = 160  # samples of the blocks whose power tells the noise
SHORTEST_NOISE = 20  # blocks of pause, 0.2 s: what is shorter may be a syllable too short to count as speech
# Quantile of the power of those blocks; above it a pause holds breath, clicks and the ends of words.
NOISE = 0.1
ROUNDING_POWER = 2.0**-30 / 12  # of rounding to 16 bits, -101 dB: no pause counts as quieter
SPECTRUM = 512  # samples of a frame whose spectrum is taken
SPECTRA = 2_000  # frames at most, evenly over the speech
BAND_DB = 60.0  # below the strongest frequency: energy that is not worth the name

FloatArray = npt.NDArray[np.float32]
Powers = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Quality:
    """The measures of one waveform.

    Attributes:
        seconds: its length.
        speech_seconds: how much of it is speech.
        level_db: RMS of the speech in dB of full scale, which is a constant 1; -inf where there is no speech.
        peak: the largest absolute sample.
        clipped: share of the samples, 0 to 1, that lie in runs of 3 or more within 1 % of the peak, where that is 0.9
            to 1 or beyond 2, or of full scale where it lies between.
        snr_db: power of the speech over that of the noise in the pauses, in dB, at least -30; None without speech or
            without a pause.
        bandwidth: highest frequency of the speech within 60 dB of its strongest, in hertz; 0 where there is no speech.
    """

    seconds: float
    speech_seconds: float
    level_db: float
    peak: float
    clipped: float
    snr_db: float | None
    bandwidth: float


def measure_quality(waveform: FloatArray, speech: Stretches | None = None) -> Quality:
    """Measure a waveform.

    The power of the noise is the 10 % quantile over blocks of 10 ms in the pauses; that of the speech is its mean, less
    the noise. With white or pink noise at 5 to 20 dB added to real speech, the ratio of most comes out up to 2 dB
    too high: quantiles lie below means, and weak speech that drowns counts as pause. Noise that is heard only while
    somebody speaks is not seen.

    Args:
        waveform: ``(samples,)`` at 16 kHz, finite.
        speech: where it holds speech; None: as ``find_speech`` finds it.

    >>> rng = np.random.default_rng(0)
    >>> voice = np.sin(np.arange(48000) * 0.2) * (np.arange(48000) % 16000 < 8000)
    >>> quality = measure_quality((0.3 * voice + 0.01 * rng.standard_normal(48000)).astype(np.float32))
    >>> round(quality.level_db), round(quality.snr_db), quality.clipped
    (-14, 26, 0.0)
    """
    waveform = np.asarray(waveform, np.float32)
    if speech is None:
        speech = find_speech(waveform)
    parts = [waveform[round(start * SAMPLE_RATE) : round(end * SAMPLE_RATE)] for start, end in speech]
    offset = waveform.mean(dtype=np.float64).astype(np.float32) if len(waveform) else np.float32(0)
    return Quality(
        seconds=len(waveform) / SAMPLE_RATE,
        speech_seconds=total_seconds(speech),
        level_db=_level_db(parts),
        peak=float(np.abs(waveform).max(initial=0.0)),
        clipped=_clipped(waveform),
        snr_db=_snr_db(waveform, speech),
        bandwidth=_bandwidth([part - offset for part in parts]),
    )


def _level_db(parts: list[FloatArray]) -> float:
    samples = sum(map(len, parts))
    power = sum(float(np.dot(part, part)) for part in parts) / max(samples, 1)
    return 10 * math.log10(power) if power else -math.inf


def _clipped(waveform: FloatArray) -> float:
    peak = np.abs(waveform).max(initial=0.0)
    if peak < NEAR_FULL_SCALE:
        return 0.0
    top = 1.0 if 1.0 < peak <= OVERSHOOT else peak
    lengths = [end - first for first, end in runs(np.abs(waveform) >= AT_PEAK * top)]
    return sum(length for length in lengths if length >= CLIPPED_RUN) / len(waveform)


def _snr_db(waveform: FloatArray, speech: Stretches) -> float | None:
    powers = _block_powers(waveform)
    inside = np.zeros(len(powers), bool)
    touched = np.zeros(len(powers), bool)
    for start, end in speech:
        first, last = start * SAMPLE_RATE / BLOCK, end * SAMPLE_RATE / BLOCK
        inside[math.ceil(first) : math.floor(last)] = True
        touched[math.floor(first) : math.ceil(last)] = True
    if not inside.any() or (~touched).sum() < SHORTEST_NOISE:
        return None
    noise = max(float(np.quantile(powers[~touched], NOISE)), ROUNDING_POWER)
    return 10 * math.log10(max(float(powers[inside].mean()) / noise - 1, 1e-3))


def _block_powers(waveform: FloatArray) -> Powers:
    """Return the power of each whole block, without the recording's offset."""
    blocks = len(waveform) // BLOCK
    if not blocks:
        return np.zeros(0)
    rows = waveform[: blocks * BLOCK].reshape(blocks, BLOCK)
    mean = float(waveform.mean(dtype=np.float64))
    powers = np.einsum("bs,bs->b", rows, rows) / BLOCK - mean * (2 * rows.mean(axis=1) - mean)
    return np.asarray(np.maximum(powers, 0.0), np.float64)


def _bandwidth(parts: list[FloatArray]) -> float:
    """Return where the mean power spectrum (Hann windows of 32 ms) last lies within 60 dB of its peak."""
    frames = [
        sliding_window_view(part, SPECTRUM)[:: SPECTRUM // 2] for part in parts if len(part) >= SPECTRUM
    ]
    step = max(1, sum(map(len, frames)) // SPECTRA)
    window = np.hanning(SPECTRUM).astype(np.float32)
    power = np.zeros(SPECTRUM // 2 + 1)
    for part in frames:
        power += (np.abs(np.fft.rfft(part[::step] * window, axis=1)) ** 2).sum(axis=0)
    worth = np.flatnonzero(power > power.max() * 10 ** (-BAND_DB / 10))
    return float(worth[-1] * SAMPLE_RATE / SPECTRUM) if len(worth) else 0.0
