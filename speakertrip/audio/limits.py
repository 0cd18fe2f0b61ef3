"""What no utterance may be: longer than an hour, empty, not finite, or far beyond full scale."""

import numpy as np
import numpy.typing as npt

from speakertrip.errors import AudioError

MAX_SECONDS = 3600.0  # an utterance beyond an hour is a mistake, or an attack on memory
MAX_LEVEL = 2.0**31  # what a float file could hold of unscaled 32-bit samples; beyond, powers overflow


def limit_length(seconds: float, name: object) -> None:
    """Check a length before, or while, that much is decoded.

    Raises:
        AudioError: it is more than an hour.
    """
    if seconds > MAX_SECONDS:
        raise AudioError(
            f"{name} holds {seconds / 60:.0f} minutes; an utterance may have {MAX_SECONDS / 60:.0f}. "
            "Cut it, or name a stretch of it by 'start' and 'duration' in a manifest."
        )


def require_samples(waveform: npt.NDArray[np.float32], start: float, name: object) -> None:
    """Check that a waveform ``(samples,)``, decoded from ``start`` seconds on, can be computed with.

    Raises:
        AudioError: it is empty, or holds samples that are not finite or far beyond full scale.
    """
    if not len(waveform):
        where = f" from {start:g} s on" if start else ""
        raise AudioError(f"{name} holds no samples{where}.")
    if not np.isfinite(waveform).all():
        raise AudioError(f"{name} holds samples that are not finite numbers; write the file again.")
    if np.abs(waveform).max() > MAX_LEVEL:
        raise AudioError(
            f"{name} holds samples far beyond full scale; write the file again with samples within ±1."
        )
