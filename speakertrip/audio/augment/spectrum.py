"""Random curves over a spectrum, and noise made of one."""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

KNOTS = 8  # of the random curve
POINTS = 64  # at which curves are computed exactly
LOWEST, NYQUIST = 60.0, 8_000.0  # hertz; below the lowest, curves are flat
PLACES = np.geomspace(LOWEST / NYQUIST, 1.0, POINTS)  # of the points, as shares of the band


def random_curve(bins: int, largest_db: float, rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """Return a smooth gain per bin ``(bins,)``: straight lines in dB over the logarithm of frequency.

    Args:
        bins: of a spectrum from 0 to 8 kHz.
        largest_db: gain or loss.
        rng: draws the curve.
    """
    knots_db = rng.uniform(-largest_db, largest_db, KNOTS)
    gains_db = np.interp(np.linspace(0, KNOTS - 1, POINTS), np.arange(KNOTS), knots_db)
    return _over_bins(bins, 10 ** (gains_db / 20))


def coloured_noise(bins: int, rng: np.random.Generator) -> npt.NDArray[np.complex64]:
    """Return the spectrum ``(bins,)`` of noise whose power falls with f^0 (white) to f^-2 (brown) above 60 Hz."""
    shape = _over_bins(bins, PLACES ** -rng.uniform(0, 1))
    parts = rng.standard_normal((bins, 2), dtype=np.float32)
    return np.asarray(parts.view(np.complex64)[:, 0] * shape)


def _over_bins(bins: int, gains: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """Interpolate gains at ``PLACES`` to every bin: as ``np.interp``, to the bit, in a third of its time."""
    segment, beyond = _segments(bins)
    slopes = np.append(np.diff(gains) / np.diff(PLACES), 0.0)
    return (slopes[segment] * beyond + gains[segment]).astype(np.float32)


@lru_cache(maxsize=8)
def _segments(bins: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float64]]:
    """Return for each bin the place at or below it (the first for those below all), and how far beyond it lies."""
    share = np.linspace(0, 1, bins)
    segment = np.maximum(np.searchsorted(PLACES, share, side="right") - 1, 0)
    return segment, np.maximum(share - PLACES[segment], 0)
