"""Limit the band of a waveform."""

import numpy as np
import numpy.typing as npt
from scipy import fft

from speakertrip.audio.augment.effect import Note, Waveform, no_note
from speakertrip.config.augment import BandConfig

NYQUIST = 8_000.0  # hertz
SLOPE = 100.0  # hertz from full passage to none
PAD = 512  # samples of silence between the end and the beginning, which a spectrum joins


def band_gains(bins: int, low: float, high: float) -> npt.NDArray[np.float32]:
    """Return the gain ``(bins,)`` from 0 to 8 kHz: 1 from ``low`` to ``high``, 0 beyond 100 Hz outside of them.

    The slopes are half cosines. A low end of 0, or a high end of 8000, cuts nothing.

    >>> band_gains(9, 2000.0, 5000.0)
    array([0., 0., 1., 1., 1., 1., 0., 0., 0.], dtype=float32)
    """
    hertz = np.arange(bins, dtype=np.float32) * np.float32(NYQUIST / max(1, bins - 1))
    quarter = np.full(bins, np.pi / 2, np.float32)  # of a turn, where all passes
    if low > 0:
        np.minimum(quarter, (hertz - np.float32(low - SLOPE)) * np.float32(np.pi / 2 / SLOPE), out=quarter)
    if high < NYQUIST:
        np.minimum(quarter, (np.float32(high + SLOPE) - hertz) * np.float32(np.pi / 2 / SLOPE), out=quarter)
    return np.asarray(np.square(np.sin(np.maximum(quarter, 0))))


def limit_band(waveform: Waveform, low: float, high: float) -> Waveform:
    """Keep what lies between two frequencies in hertz; without delay."""
    points = fft.next_fast_len(len(waveform) + PAD, real=True)
    spectrum = fft.rfft(waveform, points)
    spectrum *= band_gains(len(spectrum), low, high)
    return np.asarray(fft.irfft(spectrum, points)[: len(waveform)])


class Band:
    """A drawn band.

    Args:
        config: the ranges of its ends, in hertz.
    """

    def __init__(self, config: BandConfig) -> None:
        self.config = config

    def transform(self, waveform: Waveform, rng: np.random.Generator, note: Note = no_note) -> Waveform:
        """See ``Effect``."""
        low, high = rng.uniform(*self.config.low), rng.uniform(*self.config.high)
        note(f"band from {low:.0f} to {high:.0f} Hz")
        return limit_band(waveform, low, high)
