"""Gain and equalisation."""

import numpy as np
from scipy import fft

from speakertrip.audio.augment.effect import Note, Waveform, no_note
from speakertrip.audio.augment.spectrum import random_curve
from speakertrip.config.augment import EqualizeConfig, GainConfig


class Gain:
    """A drawn gain.

    Args:
        config: its range, in dB.
    """

    def __init__(self, config: GainConfig) -> None:
        self.config = config

    def transform(self, waveform: Waveform, rng: np.random.Generator, note: Note = no_note) -> Waveform:
        """See ``Effect``."""
        gain_db = rng.uniform(*self.config.db)
        note(f"gain of {gain_db:+.1f} dB")
        return np.asarray(waveform * np.float32(10 ** (gain_db / 20)))


class Equalize:
    """A drawn smooth curve over the spectrum.

    Args:
        config: its largest gain or loss, in dB.
    """

    def __init__(self, config: EqualizeConfig) -> None:
        self.config = config

    def transform(self, waveform: Waveform, rng: np.random.Generator, note: Note = no_note) -> Waveform:
        """See ``Effect``."""
        config = self.config
        points = fft.next_fast_len(len(waveform), real=True)
        spectrum = fft.rfft(waveform, points)
        spectrum *= random_curve(len(spectrum), config.largest_db, rng)
        note(f"equalisation within {config.largest_db:g} dB")
        return np.asarray(fft.irfft(spectrum, points)[: len(waveform)])
