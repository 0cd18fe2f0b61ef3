"""Random curves over a spectrum, and noise made of one."""

import numpy as np
import numpy.typing as npt

KNOTS = 8  # of the random curve
POINTS = 64  # at which curves are computed exactly
LOWEST, NYQUIST = 60.0, 8_000.0  # hertz; below the lowest, curves are flat


def random_curve(bins: int, largest_db: float, rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """Return a smooth gain per bin ``(bins,)``: straight lines in dB over the logarithm of frequency.

    Args:
        bins: of a spectrum from 0 to 8 kHz.
        largest_db: gain or loss.
        rng: draws the curve.
    """
    place = np.geomspace(LOWEST / NYQUIST, 1.0, POINTS)
    knots_db = rng.uniform(-largest_db, largest_db, KNOTS)
    gains_db = np.interp(np.linspace(0, KNOTS - 1, POINTS), np.arange(KNOTS), knots_db)
    return _over_bins(bins, place, 10 ** (gains_db / 20))


def coloured_noise(bins: int, rng: np.random.Generator) -> npt.NDArray[np.complex64]:
    """Return the spectrum ``(bins,)`` of noise whose power falls with f^0 (white) to f^-2 (brown) above 60 Hz."""
    place = np.geomspace(LOWEST / NYQUIST, 1.0, POINTS)
    shape = _over_bins(bins, place, place ** -rng.uniform(0, 1))
    parts = rng.standard_normal((bins, 2), dtype=np.float32)
    return np.asarray(parts.view(np.complex64)[:, 0] * shape)


def _over_bins(
    bins: int, place: npt.NDArray[np.float64], gains: npt.NDArray[np.float64]
) -> npt.NDArray[np.float32]:
    """Interpolate gains at shares of the band to every bin: logarithms of a few points, not of all bins."""
    return np.interp(np.linspace(0, 1, bins), place, gains).astype(np.float32)
