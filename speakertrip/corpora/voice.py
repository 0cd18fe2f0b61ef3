"""A voice from a formula: glottal pulses through the resonances of a vocal tract, recorded over a channel.

The source-filter model (Fant 1960) in the form of Klatt's cascade synthesiser (1980). It makes a test bed for
speaker verification that needs no download: who speaks (``Voice``), on what occasion (``Channel``) and what is
said (the generator) vary apart from each other. It babbles; it does not say words.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import scipy.fft
from scipy.ndimage import convolve1d
from scipy.signal import lfilter

from speakertrip.audio import SAMPLE_RATE
from speakertrip.errors import UsageError

Floats: TypeAlias = npt.NDArray[np.float64]

FRAME = 80  # samples: 5 ms, the interval at which Klatt (1980) updates the parameters
FRAMES_PER_SECOND = SAMPLE_RATE / FRAME

# F1, F2, F3 in hertz. Men's means of Peterson & Barney (1952), Table II: i, ɪ, ɛ, æ, ɑ, ɔ, ʊ, u, ʌ, ɝ.
VOWELS: Floats = np.array(
    [
        (270, 2290, 3010),
        (390, 1990, 2550),
        (530, 1840, 2480),
        (660, 1720, 2410),
        (730, 1090, 2440),
        (570, 840, 2410),
        (440, 1020, 2240),
        (300, 870, 2240),
        (640, 1190, 2390),
        (490, 1350, 1690),
    ],
    dtype=np.float64,
)
# Klatt (1980), Table III: w, j, r, l, m, n (the nasals without their zero).
SONORANTS: Floats = np.array(
    [
        (290, 610, 2150),
        (260, 2070, 3020),
        (310, 1060, 1380),
        (310, 1050, 2880),
        (480, 1270, 2130),
        (480, 1340, 2470),
    ],
    dtype=np.float64,
)
# Centre and bandwidth of the noise in hertz, its level under the vowels in dB: s, ʃ, f, x.
FRICATIVES: Floats = np.array(
    [(6000, 1800, -8), (3300, 1200, -8), (6500, 5000, -20), (1900, 900, -14)], dtype=np.float64
)
CONSONANT_TARGET: Floats = np.array([320, 1700, 2550], dtype=np.float64)  # F1 falls as the mouth closes
UPPER_FORMANTS = (3500.0, 4500.0, 5500.0, 6500.0)  # hertz: a uniform tube of 17.5 cm, open at one end
BANDWIDTHS: Floats = np.array([60, 90, 150, 200, 250, 350, 450], dtype=np.float64)  # hertz, F1 to F7
FORMANTS = len(BANDWIDTHS)

TILT_HZ = 3000.0  # where Klatt's tilt parameter is measured
COARTICULATION = 0.08  # seconds over which the articulators move
ONSET = 0.03  # seconds over which voice and noise rise and fall
INTONATION = 0.25  # seconds over which the pitch moves
PHRASE = 1.6  # seconds between two resets of the falling pitch
MIN_F0, MAX_F0 = 60.0, 500.0  # hertz
MIN_SECONDS = 0.3  # of an utterance: enough that the first syllable has begun

# How one speaker varies from utterance to utterance.
PITCH_DRIFT = 0.5  # semitones
TILT_DRIFT = 1.0  # dB
ARTICULATION = 0.03  # of a formant target


@dataclass(frozen=True, slots=True)
class Voice:
    """One speaker: what stays the same in all that is said.

    Attributes:
        f0: mean fundamental frequency in hertz.
        f0_spread: deviation of the intonation about it, in semitones.
        tract_factor: scales every formant; 1 is a tract of 17.5 cm, 1.15 that of a mean woman.
        formant_offsets: one factor per formant, F1 to F7: the shape of this tract beside its length.
        bandwidth_factor: scales every bandwidth.
        open_quotient: share of a glottal cycle that the glottis is open, 0 to 1.
        tilt: loss of the glottal source at 3 kHz in dB, above 0.
        breathiness: level of the aspiration noise under the pulses, in dB.
        jitter: deviation of the period from cycle to cycle, a fraction.
        shimmer: deviation of the amplitude from cycle to cycle, a fraction.
        rate: syllables per second.
    """

    f0: float
    f0_spread: float
    tract_factor: float
    formant_offsets: tuple[float, ...]
    bandwidth_factor: float
    open_quotient: float
    tilt: float
    breathiness: float
    jitter: float
    shimmer: float
    rate: float


@dataclass(frozen=True, slots=True)
class Channel:
    """One session: microphone, room noise and level.

    Attributes:
        equalisation: coefficients in dB of a cosine series over the mel axis from 0 Hz to 8 kHz, without its
            constant; few of them make a smooth response, and each adds to one cepstral coefficient.
        noise_color: the noise power falls as 1 / frequency ** noise_color: 0 white, 1 pink, 2 brown.
        snr: power of the whole utterance over that of the noise, in dB.
        level: peak of the recording, full scale at 1.
    """

    equalisation: tuple[float, ...]
    noise_color: float
    snr: float
    level: float


class _Phone(NamedTuple):
    """A stretch with one articulation: its length, formant targets, voicing and noise."""

    seconds: float
    target: Floats  # F1, F2, F3 in hertz for tract_factor 1
    voicing: float = 0.0  # amplitude, 0 to 1
    accent: float = 0.0  # of the intonation, in deviations
    fricative: int = -1  # row of FRICATIVES, or -1 for none


@dataclass(frozen=True, slots=True)
class _Score:
    """What is to be articulated, frame by frame."""

    formants: Floats  # (frames, 7), hertz
    f0: Floats  # (frames,), hertz
    voicing: Floats  # (frames,), 0 to 1
    noises: list[tuple[int, int, int]]  # first frame, frame after the last, row of FRICATIVES


def draw_voice(rng: np.random.Generator) -> Voice:
    """Draw a speaker: half of them with the pitch and tract of men, half of women.

    Mean pitch and formants are about those of Peterson & Barney (1952). Speakers of one sex differ somewhat more
    than people do, so that a network learns to tell them apart from minutes of speech instead of hours.

    >>> voice = draw_voice(np.random.default_rng(0))
    >>> 80 < voice.f0 < 330, len(voice.formant_offsets)
    (True, 7)
    """
    woman = bool(rng.random() < 0.5)
    return Voice(
        f0=float((220 if woman else 130) * math.exp(np.clip(rng.normal(0, 0.2), -0.4, 0.4))),
        f0_spread=float(rng.uniform(0.8, 2.8)),
        tract_factor=float((1.15 if woman else 1.0) * math.exp(np.clip(rng.normal(0, 0.06), -0.12, 0.12))),
        formant_offsets=tuple(np.exp(np.clip(rng.normal(0, 0.06, FORMANTS), -0.12, 0.12)).tolist()),
        bandwidth_factor=math.exp(rng.normal(0, 0.25)),
        open_quotient=float(rng.uniform(0.45, 0.8)),
        tilt=float(rng.uniform(1, 10)),
        breathiness=float(rng.uniform(-34, -14)),
        jitter=float(rng.uniform(0.003, 0.015)),
        shimmer=float(rng.uniform(0.02, 0.08)),
        rate=float(rng.uniform(4, 6.5)),
    )


def draw_channel(rng: np.random.Generator) -> Channel:
    """Draw a session: noise 25 to 45 dB below the speech, and a microphone of a few dB of coloration.

    >>> 0.3 <= draw_channel(np.random.default_rng(0)).level <= 0.9
    True
    """
    return Channel(
        equalisation=tuple((rng.normal(0, 1, 8) * 4.0 / np.sqrt(np.arange(1, 9))).tolist()),
        noise_color=float(rng.uniform(0.5, 2)),
        snr=float(rng.uniform(25, 45)),
        level=float(rng.uniform(0.3, 0.9)),
    )


def synthesize(
    voice: Voice, channel: Channel, seconds: float, rng: np.random.Generator
) -> npt.NDArray[np.float32]:
    """Babble: a random sequence of syllables in a voice, recorded over a channel.

    Args:
        voice: who speaks.
        channel: the session.
        seconds: how long, 0.3 or more.
        rng: decides what is said and how; the same state gives the same samples.

    Returns:
        float32 ``(samples,)`` at 16 kHz, its peak at ``channel.level``.

    Raises:
        UsageError: ``seconds`` is less, or not finite.

    References:
        Fant (1960), Acoustic Theory of Speech Production. Rosenberg (1971), Effect of glottal pulse shape on the
        quality of natural vowels, JASA 49. Klatt (1980), Software for a cascade/parallel formant synthesizer,
        JASA 67. Peterson & Barney (1952), Control methods used in a study of the vowels, JASA 24.

    >>> rng = np.random.default_rng(0)
    >>> synthesize(draw_voice(rng), draw_channel(rng), 0.5, rng).shape
    (8000,)
    """
    if not (math.isfinite(seconds) and seconds >= MIN_SECONDS):
        raise UsageError(f"An utterance must last {MIN_SECONDS:g} seconds or more, not {seconds:g}.")
    samples = round(seconds * SAMPLE_RATE)
    score = _compose(voice, math.ceil(samples / FRAME), rng)
    speech = _cascade(_excitation(voice, score, rng), score.formants, BANDWIDTHS * voice.bandwidth_factor)
    speech /= math.sqrt(np.mean(speech**2)) + 1e-12
    speech += _frication(voice, score, rng)
    return _record(speech[:samples], channel, rng)


def _phones(rate: float, rng: np.random.Generator) -> Iterator[_Phone]:
    """Yield phones without end: words of one to four syllables, with pauses after some of them."""
    yield _Phone(rng.uniform(0.02, 0.1), CONSONANT_TARGET)
    while True:
        for _ in range(rng.integers(1, 5)):
            vowel = VOWELS[rng.integers(len(VOWELS))] * np.exp(rng.normal(0, ARTICULATION, 3))
            accent = float(rng.normal(0, 1))
            closed = np.array([CONSONANT_TARGET[0], *(vowel[1:] + CONSONANT_TARGET[1:]) / 2])
            onset = rng.random()
            if onset < 0.35:
                consonant = SONORANTS[rng.integers(len(SONORANTS))]
                yield _Phone(rng.uniform(0.25, 0.4) / rate, consonant, voicing=0.45, accent=accent)
            elif onset < 0.6:
                fricative = int(rng.integers(len(FRICATIVES)))
                yield _Phone(rng.uniform(0.3, 0.5) / rate, closed, accent=accent, fricative=fricative)
            elif onset < 0.85:  # a stop: closure, voiced or not, and burst
                voiced = 0.15 if rng.random() < 0.5 else 0.0
                yield _Phone(rng.uniform(0.2, 0.35) / rate, closed, voicing=voiced, accent=accent)
                yield _Phone(0.015, closed, accent=accent, fricative=int(rng.integers(len(FRICATIVES))))
            yield _Phone(rng.uniform(0.45, 0.85) / rate, vowel, voicing=rng.uniform(0.7, 1.0), accent=accent)
        if rng.random() < 0.5:
            yield _Phone(rng.uniform(0.08, 0.3), CONSONANT_TARGET)


def _compose(voice: Voice, frames: int, rng: np.random.Generator) -> _Score:
    """Lay phones end to end, and smooth their targets as the articulators would."""
    targets = np.empty((frames, 3))
    voicing, accents = np.zeros(frames), np.zeros(frames)
    noises: list[tuple[int, int, int]] = []
    first = 0
    for phone in _phones(voice.rate, rng):
        last = min(first + max(1, round(phone.seconds * FRAMES_PER_SECOND)), frames)
        targets[first:last], voicing[first:last] = phone.target, phone.voicing
        accents[first:last] = phone.accent
        if phone.fricative >= 0:
            noises.append((first, last, phone.fricative))
        first = last
        if first == frames:
            break
    upper = np.broadcast_to(UPPER_FORMANTS, (frames, len(UPPER_FORMANTS)))
    formants = np.hstack([_smooth(targets, COARTICULATION), upper])
    formants *= voice.tract_factor * np.array(voice.formant_offsets)
    return _Score(
        formants=np.clip(formants, 150, 0.49 * SAMPLE_RATE),
        f0=_intonation(voice, accents, voicing, rng),
        voicing=_smooth(voicing, ONSET),
        noises=noises,
    )


def _intonation(voice: Voice, accents: Floats, voicing: Floats, rng: np.random.Generator) -> Floats:
    """Pitch in hertz: it falls through each phrase (declination) and rises and falls with the accents."""
    time = np.arange(len(accents)) / FRAMES_PER_SECOND + rng.uniform(0, PHRASE)
    contour = _smooth(accents - 2.0 * (time / PHRASE % 1.0), INTONATION)
    voiced = contour[voicing > 0] if voicing.any() else contour
    contour = (contour - voiced.mean()) / (voiced.std() + 1e-3)
    semitones = voice.f0_spread * contour + PITCH_DRIFT * np.clip(rng.normal(), -2, 2)
    return np.asarray(np.clip(voice.f0 * 2 ** (semitones / 12), MIN_F0, MAX_F0))


def _excitation(voice: Voice, score: _Score, rng: np.random.Generator) -> Floats:
    """Derivative of the glottal flow (the lips radiate it) with aspiration noise, ``(frames * FRAME,)``."""
    samples = len(score.f0) * FRAME
    marks, periods = _glottal_cycles(voice.jitter, score.f0, rng)
    cycle = np.searchsorted(marks, np.arange(samples), side="right") - 1
    flow = _rosenberg((np.arange(samples) - marks[cycle]) / periods[cycle], voice.open_quotient)
    loudness = 1 + voice.shimmer * np.clip(rng.normal(size=len(marks)), -3, 3)
    # The difference is taken of samples of the flow, which is continuous, so that little of it folds back.
    pulses = np.diff(flow * loudness[cycle], prepend=0.0)
    pulses = _tilt(pulses, max(0.5, voice.tilt + TILT_DRIFT * float(np.clip(rng.normal(), -2, 2))))
    pulses /= math.sqrt(np.mean(pulses**2)) + 1e-12
    aspiration = 10 ** (voice.breathiness / 20) * rng.normal(size=samples) * (0.3 + 0.7 * flow)
    return (pulses + aspiration) * _to_samples(score.voicing)


def _glottal_cycles(jitter: float, f0: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Where each cycle starts and how long it lasts, both in samples and not whole."""
    marks: list[float] = []
    periods: list[float] = []
    at = -float(rng.uniform(0, SAMPLE_RATE / f0[0]))
    while at < len(f0) * FRAME:
        period = SAMPLE_RATE / float(f0[max(0, int(at)) // FRAME]) * (1 + jitter * float(rng.normal()))
        marks.append(at)
        periods.append(period)
        at += period
    return np.array(marks), np.array(periods)


def _rosenberg(phase: Floats, open_quotient: float) -> Floats:
    """Rosenberg's pulse B: flow at a phase of the cycle in 0 to 1, opening twice as long as closing."""
    opening, closing = open_quotient * 2 / 3, open_quotient / 3
    rise = np.minimum(phase / opening, 1)
    fall = np.clip((phase - opening) / closing, 0, 1)
    flow: Floats = 3 * rise**2 - 2 * rise**3 - fall**2
    return flow


def _tilt(source: Floats, loss: float) -> Floats:
    """One-pole low-pass with unit gain at 0 Hz and a loss in dB, above 0, at 3 kHz."""
    gain = 10 ** (-loss / 10)
    q = (1 - gain * math.cos(2 * math.pi * TILT_HZ / SAMPLE_RATE)) / (1 - gain)
    pole = q - math.sqrt(q * q - 1)
    return np.asarray(lfilter([1 - pole], [1, -pole], source))


def _cascade(source: Floats, formants: Floats, bandwidths: Floats) -> Floats:
    """Klatt's resonators in series, a new set for each frame, their state carried from frame to frame.

    Each is y[n] = A x[n] + B y[n-1] + C y[n-2] with C = -exp(-2πb/r), B = 2 exp(-πb/r) cos(2πf/r) and
    A = 1 - B - C. Their product, a filter with poles alone, is run as one: its state is its last outputs, and
    one call a frame takes a fifth of the time of scipy's ``sosfilt``. (The state that ``sosfilt`` carries is
    scaled by the coefficients of the frame before, and clicks where they change.)

    Args:
        source: ``(frames * FRAME,)``.
        formants: ``(frames, formants)``, hertz.
        bandwidths: ``(formants,)``, hertz.
    """
    radius = np.exp(-np.pi * bandwidths / SAMPLE_RATE)
    middle = -2 * radius * np.cos(2 * np.pi * formants / SAMPLE_RATE)
    order = 2 * len(bandwidths)
    poles = np.zeros(
        (len(formants), 2 * order + 1)
    )  # the zeros beyond the order serve the Hankel matrix below
    poles[:, 0] = 1.0
    for index in range(len(bandwidths)):
        once, twice = poles[:, :-1].copy(), poles[:, :-2].copy()
        poles[:, 1:] += middle[:, index, None] * once
        poles[:, 2:] += radius[index] ** 2 * twice
    gains = poles.sum(axis=1)  # 1 at 0 Hz
    lags = np.arange(order)
    from_past = -poles[:, lags[:, None] + lags + 1]  # last outputs, newest first, to the state of lfilter
    past = np.zeros(order)
    output = np.empty_like(source)
    for frame, (gain, pole, to_state) in enumerate(zip(gains, poles[:, : order + 1], from_past, strict=True)):
        stretch = slice(frame * FRAME, (frame + 1) * FRAME)
        output[stretch], _ = lfilter([gain], pole, source[stretch], zi=to_state @ past)
        past = output[stretch][: -order - 1 : -1]
    return output


def _frication(voice: Voice, score: _Score, rng: np.random.Generator) -> Floats:
    """Turbulence at a constriction: noise through one resonance, its level against speech of power 1."""
    output = np.zeros(len(score.voicing) * FRAME)
    for first, last, row in score.noises:
        center, bandwidth, level = FRICATIVES[row]
        radius = math.exp(-math.pi * bandwidth / SAMPLE_RATE)
        angle = 2 * math.pi * min(center * voice.tract_factor, 0.47 * SAMPLE_RATE) / SAMPLE_RATE
        noise = rng.normal(size=(last - first) * FRAME) * np.hanning((last - first) * FRAME) ** 0.5
        # A zero at 0 Hz: the constriction radiates no low frequencies.
        noise = np.asarray(lfilter([1, -1], [1, -2 * radius * math.cos(angle), radius**2], noise))
        noise *= 10 ** (level / 20) / (math.sqrt(np.mean(noise**2)) + 1e-12)
        output[first * FRAME : last * FRAME] += noise
    return output


def _record(speech: Floats, channel: Channel, rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """Equalise, add noise and set the level."""
    length = scipy.fft.next_fast_len(
        len(speech) + SAMPLE_RATE // 20, real=True
    )  # room for the response to ring
    hertz = np.fft.rfftfreq(length, 1 / SAMPLE_RATE)
    position = np.log1p(hertz / 700) / np.log1p(SAMPLE_RATE / 2 / 700)
    order = np.arange(1, len(channel.equalisation) + 1)
    decibels = np.cos(np.pi * order * position[:, None]) @ np.array(channel.equalisation)
    # No microphone passes 0 Hz, and a floor keeps the coloured noise finite there.
    response = 10 ** (decibels / 20) * (hertz / np.hypot(hertz, 50))
    heard = scipy.fft.irfft(scipy.fft.rfft(speech, length) * response, length)[: len(speech)]
    spectrum = scipy.fft.rfft(rng.normal(size=length)) * np.maximum(hertz, 50) ** (-channel.noise_color / 2)
    noise = scipy.fft.irfft(spectrum, length)[: len(speech)]
    wanted = 10 ** (-channel.snr / 20) * math.sqrt(np.mean(heard**2))
    recording = heard + noise * (wanted / math.sqrt(np.mean(noise**2)))
    return np.asarray(recording * (channel.level / np.abs(recording).max()), dtype=np.float32)


def _smooth(track: Floats, seconds: float) -> Floats:
    """Smooth along frames with a Hann window of that length."""
    window = np.hanning(2 * round(seconds * FRAMES_PER_SECOND / 2) + 3)
    return np.asarray(convolve1d(track, window / window.sum(), axis=0, mode="nearest"))


def _to_samples(track: Floats) -> Floats:
    """Interpolate from frame centres to samples."""
    centers = (np.arange(len(track)) + 0.5) * FRAME - 0.5
    return np.interp(np.arange(len(track) * FRAME), centers, track)
