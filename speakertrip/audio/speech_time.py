"""Time that runs only while somebody speaks."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Seconds = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SpeechTime:
    """How much speech of a recording lies before each moment of it.

    Attributes:
        moments: ``(2 * stretches + 1,)``, 0 and the ends of the stretches of speech in seconds, ascending.
        amounts: likewise, seconds of speech before each of them.

    Examples:
        >>> time = SpeechTime.of([(1.0, 2.0), (5.0, 7.0)])
        >>> time.total, time.before([0.5, 1.25, 4.0, 9.0]).tolist(), time.moments_of([0.25, 2.0]).tolist()
        (3.0, [0.0, 0.25, 1.0, 3.0], [1.25, 6.0])
    """

    moments: Seconds
    amounts: Seconds

    @classmethod
    def of(cls, stretches: Sequence[tuple[float, float]]) -> "SpeechTime":
        """Take the stretches of speech, ``(start, end)`` in seconds, ascending and apart."""
        edges = np.array(stretches, np.float64).reshape(-1, 2)
        until = np.append(0.0, np.cumsum(edges[:, 1] - edges[:, 0]))
        amounts = np.column_stack([until[:-1], until[1:]]).ravel()
        return cls(np.append(0.0, edges.ravel()), np.append(0.0, amounts))

    @property
    def total(self) -> float:
        """Seconds of speech in all."""
        return float(self.amounts[-1])

    def before(self, moments: npt.ArrayLike) -> Seconds:
        """Return how much speech lies before each moment, both in seconds."""
        return np.asarray(np.interp(np.asarray(moments, np.float64), self.moments, self.amounts))

    def moments_of(self, amounts: npt.ArrayLike) -> Seconds:
        """Return when so much has been spoken, in seconds; each amount above 0 and below ``total``."""
        return np.asarray(np.interp(np.asarray(amounts, np.float64), self.amounts, self.moments))
