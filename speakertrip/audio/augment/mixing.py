"""Add one waveform to another at an exact ratio of their powers."""

import numpy as np

from speakertrip.audio.augment.effect import Waveform

SILENCE_POWER = 1e-20  # -200 dB of full scale; what lies below has no level to be set


def power(waveform: Waveform) -> float:
    """Return the mean square of the samples ``(samples,)``, of full scale."""
    # In float64 and by numpy's own sum: the same digits whatever the number of threads.
    return float(np.square(waveform, dtype=np.float64).mean())


def mix(waveform: Waveform, noise: Waveform, snr_db: float) -> Waveform:
    """Add noise so that ``10 log10(P_signal / P_noise)`` is ``snr_db``.

    Args:
        waveform: ``(samples,)``.
        noise: ``(samples,)``, at any level.
        snr_db: the ratio, in dB.

    Returns:
        float32 ``(samples,)``; the waveform itself where it or the noise is silent.

    >>> mix(np.array([1, -1], np.float32), np.array([5, 5], np.float32), 20.0)
    array([ 1.1, -0.9], dtype=float32)
    """
    signal, other = power(waveform), power(noise)
    if min(signal, other) < SILENCE_POWER:
        return waveform
    gain = np.float32(np.sqrt(signal / other) * 10 ** (-snr_db / 20))
    return np.asarray(waveform + gain * noise, np.float32)
