"""Tracks: parameters with one value a frame, smoothed along frames or stretched to samples."""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.ndimage import convolve1d

from speakertrip.audio import SAMPLE_RATE

Floats: TypeAlias = npt.NDArray[np.float64]

FRAME = 80  # samples: 5 ms, the interval at which Klatt (1980) updates the parameters
FRAMES_PER_SECOND = SAMPLE_RATE / FRAME


def smooth(track: Floats, seconds: float) -> Floats:
    """Smooth along frames, the first axis, with a Hann window of that length."""
    window = np.hanning(2 * round(seconds * FRAMES_PER_SECOND / 2) + 3)
    return np.asarray(convolve1d(track, window / window.sum(), axis=0, mode="nearest"))


def to_samples(track: Floats) -> Floats:
    """Interpolate ``(frames,)`` from frame centres to samples, ``(frames * FRAME,)``."""
    centers = (np.arange(len(track)) + 0.5) * FRAME - 0.5
    return np.interp(np.arange(len(track) * FRAME), centers, track)
