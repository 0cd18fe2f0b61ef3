"""The two sides of trials as a backend takes them: enrollments, and test utterances."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Sides:
    """Enrollments or test utterances, each of one or more utterances.

    Attributes:
        embeddings: float32 ``(n, dim)``, the mean over each one's prepared embeddings.
        counts: int ``(n,)``, how many utterances each has.
        magnitudes: ``(n,)``, mean length of the raw embeddings.
        seconds: ``(n,)``, of all its utterances together; None where durations are not known.
        offsets: ``(n,)``, which each one's scores are less as an enrollment; None where no one has any.
    """

    embeddings: FloatArray
    counts: npt.NDArray[np.int64]
    magnitudes: npt.NDArray[np.float64]
    seconds: npt.NDArray[np.float64] | None = None
    offsets: npt.NDArray[np.float64] | None = None

    @classmethod
    def of(
        cls,
        raw: FloatArray,
        prepared: FloatArray,
        groups: Sequence[Sequence[int]],
        seconds: npt.NDArray[np.float64] | None = None,
    ) -> "Sides":
        """Average embeddings by groups of rows.

        Args:
            raw: ``(utterances, dim)``, as the model gives them.
            prepared: ``(utterances, dim)``, as ``Backend.prepare`` gives them.
            groups: the rows of each side, none empty.
            seconds: ``(utterances,)``.

        Raises:
            ValueError: a group is empty, or an embedding is not finite.

        Examples:
            >>> raw = np.array([[3, 4], [0, 2]], np.float32)
            >>> sides = Sides.of(raw, raw, [[0], [0, 1]])
            >>> sides.embeddings.tolist(), sides.counts.tolist(), sides.magnitudes.tolist()
            ([[3.0, 4.0], [1.5, 3.0]], [1, 2], [5.0, 3.5])
        """
        if not np.isfinite(raw).all():
            raise ValueError("an embedding is not finite")
        counts = np.array([len(group) for group in groups], dtype=np.int64)
        if not counts.all():
            raise ValueError(f"side {int(np.argmin(counts))} has no utterance")
        rows = np.concatenate([np.asarray(group, dtype=np.int64) for group in groups])
        begins = np.cumsum(counts) - counts
        means = np.add.reduceat(prepared[rows], begins, axis=0) / counts[:, None]
        lengths = np.linalg.norm(raw, axis=1).astype(np.float64)
        magnitudes = np.add.reduceat(lengths[rows], begins) / counts
        total = None if seconds is None else np.add.reduceat(seconds[rows], begins)
        return cls(means.astype(np.float32), counts, magnitudes, total)

    def only(self, row: int) -> "Sides":
        """Return one of them."""
        some = slice(row, row + 1)
        seconds = None if self.seconds is None else self.seconds[some]
        return Sides(self.embeddings[some], self.counts[some], self.magnitudes[some], seconds)
