"""Light augmentation of a waveform: random equalisation and coloured noise, in one pass over the spectrum."""

import numpy as np
import numpy.typing as npt
from scipy import fft

from speakertrip.config import AugmentConfig

KNOTS = 8  # of the random equalisation curve
POINTS = 64  # at which curves are computed exactly
LOWEST, NYQUIST = 60.0, 8_000.0  # hertz; below the lowest, curves are flat


def augment(
    waveform: npt.NDArray[np.float32], config: AugmentConfig, rng: np.random.Generator
) -> npt.NDArray[np.float32]:
    """Colour a waveform and add noise, each with its probability.

    Args:
        waveform: ``(samples,)`` at 16 kHz.
        config: probabilities, largest gain in dB, range of the signal-to-noise ratio in dB.
        rng: decides everything; the same generator state gives the same result.

    Returns:
        float32 ``(samples,)``; the input itself where neither effect was drawn.
    """
    equalize = rng.random() < config.equalize_probability
    add_noise = rng.random() < config.noise_probability
    if not (equalize or add_noise):
        return waveform
    size = len(waveform)
    spectrum = fft.rfft(waveform, fft.next_fast_len(size, real=True))
    if equalize:
        spectrum *= _random_curve(len(spectrum), config.equalize_db, rng)
    if add_noise:
        snr_db = rng.uniform(*config.noise_snr_db)
        spectrum += _noise(len(spectrum), _energy(spectrum) / 10 ** (snr_db / 10), rng)
    return np.asarray(fft.irfft(spectrum, fft.next_fast_len(size, real=True))[:size], dtype=np.float32)


def _random_curve(bins: int, largest_db: float, rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """A smooth gain per bin: straight lines in dB over the logarithm of frequency."""
    place = np.geomspace(LOWEST / NYQUIST, 1.0, POINTS)
    knots_db = rng.uniform(-largest_db, largest_db, KNOTS)
    gains_db = np.interp(np.linspace(0, KNOTS - 1, POINTS), np.arange(KNOTS), knots_db)
    return _over_bins(bins, place, 10 ** (gains_db / 20))


def _noise(bins: int, energy: float, rng: np.random.Generator) -> npt.NDArray[np.complex64]:
    """Gaussian noise of a given energy whose power falls with f^0 (white) to f^-2 (brown) above 60 Hz."""
    place = np.geomspace(LOWEST / NYQUIST, 1.0, POINTS)
    shape = _over_bins(bins, place, place ** -rng.uniform(0, 1))
    parts = rng.standard_normal((bins, 2), dtype=np.float32)
    noise = parts.view(np.complex64)[:, 0] * shape
    return np.asarray(noise * np.sqrt(energy / _energy(noise)), dtype=np.complex64)


def _over_bins(
    bins: int, place: npt.NDArray[np.float64], gains: npt.NDArray[np.float64]
) -> npt.NDArray[np.float32]:
    """Interpolate gains at shares of the band to every bin: logarithms of a few points, not of all bins."""
    return np.interp(np.linspace(0, 1, bins), place, gains).astype(np.float32)


def _energy(spectrum: npt.NDArray[np.complex64]) -> float:
    return float(np.vdot(spectrum, spectrum).real)
