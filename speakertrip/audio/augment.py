"""Light augmentation of a waveform: random equalisation and coloured noise, in one pass over the spectrum."""

import numpy as np
import numpy.typing as npt
from scipy import fft

from speakertrip.config import AugmentConfig

KNOTS = 8  # of the random equalisation curve
LOWEST = 60.0  # hertz; below it the curve is flat


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
    """A smooth gain: straight lines in dB over the logarithm of frequency."""
    nyquist = 8000.0
    frequencies = np.linspace(0, nyquist, bins)
    knots = np.geomspace(LOWEST, nyquist, KNOTS)
    gains_db = rng.uniform(-largest_db, largest_db, KNOTS)
    curve = np.interp(np.log(np.maximum(frequencies, LOWEST)), np.log(knots), gains_db)
    return np.asarray(10 ** (curve / 20), dtype=np.float32)


def _noise(bins: int, energy: float, rng: np.random.Generator) -> npt.NDArray[np.complex64]:
    """Gaussian noise whose power falls with f^0 (white) to f^-2 (brown), of a given energy."""
    noise = rng.standard_normal((2, bins), dtype=np.float32)
    exponent = rng.uniform(0, 1)  # of the amplitude
    shaped = (noise[0] + 1j * noise[1]) * np.arange(1, bins + 1, dtype=np.float32) ** -np.float32(exponent)
    total = _energy(shaped)
    return np.asarray(shaped * np.sqrt(energy / total), dtype=np.complex64)


def _energy(spectrum: npt.NDArray[np.complex64]) -> float:
    return float(np.vdot(spectrum, spectrum).real)
