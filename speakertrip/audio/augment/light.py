"""Light augmentation: random equalisation and coloured noise, in one pass over the spectrum."""

import numpy as np
import numpy.typing as npt
from scipy import fft

from speakertrip.audio.augment.effect import Note, Waveform, no_note
from speakertrip.audio.augment.spectrum import coloured_noise, random_curve
from speakertrip.config import AugmentConfig


class Light:
    """Colour a waveform and add noise, each with its probability.

    The noise is set against the spectrum, so that its level in dB is right within a tenth.

    Args:
        config: probabilities, largest gain in dB, range of the signal-to-noise ratio in dB.
    """

    def __init__(self, config: AugmentConfig) -> None:
        self.config = config

    def transform(self, waveform: Waveform, rng: np.random.Generator, note: Note = no_note) -> Waveform:
        """See ``Effect``."""
        config = self.config
        equalize = rng.random() < config.equalize_probability
        add_noise = rng.random() < config.noise_probability
        if not (equalize or add_noise):
            return waveform
        size = len(waveform)
        points = fft.next_fast_len(size, real=True)
        spectrum = fft.rfft(waveform, points)
        if equalize:
            note(f"equalisation within {config.equalize_db:g} dB")
            spectrum *= random_curve(len(spectrum), config.equalize_db, rng)
        if add_noise:
            snr_db = rng.uniform(*config.noise_snr_db)
            noise = coloured_noise(len(spectrum), rng)
            energy = _energy(spectrum) / 10 ** (snr_db / 10)
            if energy:
                note(f"coloured noise at {snr_db:.1f} dB")
            spectrum += np.asarray(noise * np.sqrt(energy / _energy(noise)), dtype=np.complex64)
        return np.asarray(fft.irfft(spectrum, points)[:size], dtype=np.float32)


def _energy(spectrum: npt.NDArray[np.complex64]) -> float:
    return float(np.vdot(spectrum, spectrum).real)
