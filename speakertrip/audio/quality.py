"""What a recording is worth: how much speech, how loud, how clipped, how noisy, how wide."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from speakertrip.audio.activity import FRAMES_PER_SECOND, Stretches, find_speech, frame_levels
from speakertrip.audio.waveform import SAMPLE_RATE

NEAR_FULL_SCALE = 0.9  # of full scale: a lower peak is no clipping
FLAT = 0.001  # of the peak: samples within it lie at the peak
CLIPPED_RUN = 3  # samples; fewer at the peak are the peak
ROUNDING_DB = -101.0  # the power of rounding to 16 bits: no pause counts as quieter
SHORTEST_NOISE = 10  # frames of pause, without which noise is not estimated
SPECTRUM = 512  # samples of a spectrum's frame
SPECTRA = 2_000  # at most, evenly over the speech
BAND_DB = 60.0  # below the strongest band: energy that is not worth the name

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Quality:
    """The measures of one waveform.

    Attributes:
        seconds: its length.
        speech_seconds: how much of it is speech.
        level_db: RMS of the speech in dB of full scale; -inf where there is none.
        peak: the largest absolute sample; full scale is 1.
        clipped: share of the samples, 0 to 1, that lie in runs at the peak, if that is near full scale.
        snr_db: estimate of the speech's power over that of the pauses in dB; None without speech or without a pause.
        bandwidth: highest frequency of the speech with energy within 60 dB of the strongest, in hertz; 0 without.
    """

    seconds: float
    speech_seconds: float
    level_db: float
    peak: float
    clipped: float
    snr_db: float | None
    bandwidth: float


def measure_quality(waveform: FloatArray) -> Quality:
    """Measure a waveform.

    Args:
        waveform: ``(samples,)`` at 16 kHz, finite.

    >>> measure_quality(np.zeros(16000, np.float32)).speech_seconds
    0.0
    """
    waveform = np.asarray(waveform, np.float32)
    speech = find_speech(waveform)
    seconds = len(waveform) / SAMPLE_RATE
    return Quality(
        seconds=seconds,
        speech_seconds=sum(end - start for start, end in speech),
        level_db=_level(waveform, speech),
        peak=float(np.abs(waveform).max(initial=0.0)),
        clipped=_clipped(waveform),
        snr_db=_snr(waveform, speech),
        bandwidth=_bandwidth(waveform, speech),
    )


def _level(waveform: FloatArray, speech: Stretches) -> float:
    parts = [waveform[_sample(start) : _sample(end)] for start, end in speech]
    samples = sum(map(len, parts))
    power = sum(float(np.dot(part, part)) for part in parts) / samples if samples else 0.0
    return 10 * math.log10(power) if power else -math.inf


def _clipped(waveform: FloatArray) -> float:
    magnitude = np.abs(waveform)
    peak = magnitude.max(initial=0.0)
    if peak < NEAR_FULL_SCALE:
        return 0.0
    at_peak = magnitude >= (1 - FLAT) * peak
    edges = np.flatnonzero(np.diff(at_peak, prepend=False, append=False)).reshape(-1, 2)
    lengths = edges[:, 1] - edges[:, 0]
    return float(lengths[lengths >= CLIPPED_RUN].sum() / len(waveform))


def _snr(waveform: FloatArray, speech: Stretches) -> float | None:
    """Return mean power of the speech, less that of the noise, over the median power of the pauses."""
    levels = frame_levels(waveform)
    active = np.zeros(len(levels), bool)
    for start, end in speech:
        active[_frame(start) : _frame(end)] = True
    if not active.any() or (~active).sum() < SHORTEST_NOISE:
        return None
    noise = 10 ** (max(float(np.median(levels[~active])), ROUNDING_DB) / 10)
    both = float(np.mean(10 ** (levels[active] / 10)))
    return 10 * math.log10(max(both - noise, 1e-3 * noise) / noise)


def _bandwidth(waveform: FloatArray, speech: Stretches) -> float:
    parts = [waveform[_sample(start) : _sample(end)] for start, end in speech]
    frames = [
        sliding_window_view(part, SPECTRUM)[:: SPECTRUM // 2] for part in parts if len(part) >= SPECTRUM
    ]
    count = sum(map(len, frames))
    if not count:
        return 0.0
    step = -(-count // SPECTRA)
    window = np.hanning(SPECTRUM).astype(np.float32)
    power = np.zeros(SPECTRUM // 2 + 1)
    for part in frames:
        power += (np.abs(np.fft.rfft(part[::step] * window, axis=1)) ** 2).sum(axis=0)
    worth = np.flatnonzero(power > power.max() * 10 ** (-BAND_DB / 10))
    return float(worth[-1] * SAMPLE_RATE / SPECTRUM) if len(worth) else 0.0


def _sample(seconds: float) -> int:
    return round(seconds * SAMPLE_RATE)


def _frame(seconds: float) -> int:
    return round(seconds * FRAMES_PER_SECOND)
