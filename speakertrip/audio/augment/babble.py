"""Babble: several voices at once."""

import numpy as np

from speakertrip.audio.augment.clips import ClipSource, draw_stretch
from speakertrip.audio.augment.effect import Note, Waveform, no_note, noted
from speakertrip.audio.augment.mixing import SILENCE_POWER, mix, power
from speakertrip.config.augment import BabbleConfig
from speakertrip.errors import counted


class Babble:
    """The sum of a drawn number of voices, equally loud, at a drawn signal-to-noise ratio.

    Args:
        config: how many voices, and the range of the ratio in dB.
        voices: to draw from.
    """

    def __init__(self, config: BabbleConfig, voices: ClipSource) -> None:
        self.config, self.voices = config, voices

    def transform(self, waveform: Waveform, rng: np.random.Generator, note: Note = no_note) -> Waveform:
        """See ``Effect``."""
        fewest, most = self.config.voices
        snr_db = rng.uniform(*self.config.snr_db)
        count = int(rng.integers(fewest, most, endpoint=True))
        babble = np.zeros(len(waveform), np.float32)
        for _ in range(count):
            _, voice = draw_stretch(self.voices, len(waveform), rng)
            level = power(voice)
            if level > SILENCE_POWER:
                babble += voice / np.float32(np.sqrt(level))
        mixed = mix(waveform, babble, snr_db)
        return noted(waveform, mixed, note, f"babble of {counted(count, 'voice')} at {snr_db:.1f} dB")
