"""Additive noise: recorded, or coloured noise made on the spot."""

import numpy as np
from scipy import fft

from speakertrip.audio.augment.clips import Clips, draw_stretch
from speakertrip.audio.augment.effect import Note, Waveform, no_note, noted
from speakertrip.audio.augment.mixing import mix
from speakertrip.audio.augment.spectrum import coloured_noise
from speakertrip.config.augment import NoiseConfig


class RecordedNoise:
    """A stretch of a clip of noise or music, at a drawn signal-to-noise ratio.

    Args:
        config: the range of the ratio, in dB.
        clips: to draw from.
    """

    def __init__(self, config: NoiseConfig, clips: Clips) -> None:
        self.config, self.clips = config, clips

    def transform(self, waveform: Waveform, rng: np.random.Generator, note: Note = no_note) -> Waveform:
        """See ``Effect``."""
        snr_db = rng.uniform(*self.config.snr_db)
        index, noise = draw_stretch(self.clips, len(waveform), rng)
        mixed = mix(waveform, noise, snr_db)
        return noted(waveform, mixed, note, f"noise {self.clips.names[index]} at {snr_db:.1f} dB")


class ColouredNoise:
    """Gaussian noise from white to brown, at a drawn signal-to-noise ratio.

    Args:
        config: the range of the ratio, in dB.
    """

    def __init__(self, config: NoiseConfig) -> None:
        self.config = config

    def transform(self, waveform: Waveform, rng: np.random.Generator, note: Note = no_note) -> Waveform:
        """See ``Effect``."""
        snr_db = rng.uniform(*self.config.snr_db)
        points = fft.next_fast_len(len(waveform), real=True)
        noise = fft.irfft(coloured_noise(points // 2 + 1, rng), points)[: len(waveform)]
        return noted(waveform, mix(waveform, noise, snr_db), note, f"coloured noise at {snr_db:.1f} dB")
