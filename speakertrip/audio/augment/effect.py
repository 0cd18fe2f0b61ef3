"""What every effect is: a waveform in, one of the same length out."""

from collections.abc import Callable
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

Waveform: TypeAlias = npt.NDArray[np.float32]
Note: TypeAlias = Callable[[str], None]


def no_note(text: str) -> None:
    """Ignore what an effect says of itself."""


class Effect(Protocol):
    """One change of a waveform."""

    def transform(self, waveform: Waveform, rng: np.random.Generator, note: Note = no_note) -> Waveform:
        """Change a waveform.

        Args:
            waveform: float32 ``(samples,)`` at 16 kHz, at least one sample, finite; it is left as it is.
            rng: decides everything; the same generator state gives the same result.
            note: called with what was done, in words; not where nothing was, as where noise has no level to be set by.

        Returns:
            float32 ``(samples,)``, finite; silence stays silence. It may be the input itself.
        """
        ...


def noted(before: Waveform, after: Waveform, note: Note, text: str) -> Waveform:
    """Return what an effect made, and say so unless that is its input itself."""
    if after is not before:
        note(text)
    return after


def fit(waveform: Waveform, samples: int) -> Waveform:
    """Cut a waveform, or lengthen it by silence.

    >>> fit(np.ones(2, np.float32), 3), fit(np.ones(2, np.float32), 1)
    (array([1., 1., 0.], dtype=float32), array([1.], dtype=float32))
    """
    return waveform[:samples] if len(waveform) >= samples else np.pad(waveform, (0, samples - len(waveform)))
