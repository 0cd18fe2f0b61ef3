"""Who speaks: the parameters of a voice, and how a speaker is drawn."""

import math
from dataclasses import dataclass

import numpy as np

from speakertrip.corpora.voices.frames import Floats

BANDWIDTHS: Floats = np.array([60, 90, 150, 200, 250, 350, 450], dtype=np.float64)  # hertz, F1 to F7
FORMANTS = len(BANDWIDTHS)


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
