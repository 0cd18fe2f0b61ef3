"""What is said: the phones of babble, one after the other, with their targets."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from speakertrip.corpora.voices.frames import Floats

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
ARTICULATION = 0.03  # of a formant target: how much one speaker varies from vowel to vowel


class Phone(NamedTuple):
    """A stretch with one articulation: its length, formant targets, voicing and noise."""

    seconds: float
    target: Floats  # F1, F2, F3 in hertz for tract_factor 1
    voicing: float = 0.0  # amplitude, 0 to 1
    accent: float = 0.0  # of the intonation, in deviations
    fricative: int = -1  # row of FRICATIVES, or -1 for none


def babble(rate: float, rng: np.random.Generator) -> Iterator[Phone]:
    """Yield phones without end: words of one to four syllables, with pauses after some of them."""
    yield Phone(rng.uniform(0.02, 0.1), CONSONANT_TARGET)
    while True:
        for _ in range(rng.integers(1, 5)):
            vowel = VOWELS[rng.integers(len(VOWELS))] * np.exp(rng.normal(0, ARTICULATION, 3))
            accent = float(rng.normal(0, 1))
            closed = np.array([CONSONANT_TARGET[0], *(vowel[1:] + CONSONANT_TARGET[1:]) / 2])
            onset = rng.random()
            if onset < 0.35:
                consonant = SONORANTS[rng.integers(len(SONORANTS))]
                yield Phone(rng.uniform(0.25, 0.4) / rate, consonant, voicing=0.45, accent=accent)
            elif onset < 0.6:
                fricative = int(rng.integers(len(FRICATIVES)))
                yield Phone(rng.uniform(0.3, 0.5) / rate, closed, accent=accent, fricative=fricative)
            elif onset < 0.85:  # a stop: closure, voiced or not, and burst
                voiced = 0.15 if rng.random() < 0.5 else 0.0
                yield Phone(rng.uniform(0.2, 0.35) / rate, closed, voicing=voiced, accent=accent)
                yield Phone(0.015, closed, accent=accent, fricative=int(rng.integers(len(FRICATIVES))))
            yield Phone(rng.uniform(0.45, 0.85) / rate, vowel, voicing=rng.uniform(0.7, 1.0), accent=accent)
        if rng.random() < 0.5:
            yield Phone(rng.uniform(0.08, 0.3), CONSONANT_TARGET)
