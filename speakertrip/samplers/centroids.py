"""The mean embedding of each speaker, gathered while an epoch goes by."""

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]


class SpeakerCentroids:
    """The sum of the embeddings of each speaker.

    Make a new one for each epoch. ``sums`` is all it knows: a checkpoint stores the array and writes it back by
    ``centroids.sums[:] = stored``, and processes that share the batches add up theirs.

    Args:
        speakers: how many.
        dim: of an embedding.

    Attributes:
        sums: float32 ``(speakers, dim)``; zeros for a speaker not seen yet.

    Example:
        >>> centroids = SpeakerCentroids(speakers=2, dim=2)
        >>> centroids.add(np.array([[3.0, 0.0], [0.0, 4.0]]), np.array([0, 0]))
        >>> centroids.mean().tolist() == [[np.float32(0.6), np.float32(0.8)], [0, 0]]
        True
    """

    def __init__(self, speakers: int, dim: int) -> None:
        self.sums: FloatArray = np.zeros((speakers, dim), dtype=np.float32)

    def add(self, embeddings: npt.NDArray[np.floating], labels: npt.NDArray[np.integer]) -> None:
        """Add the embeddings ``(batch, dim)`` of the speakers ``(batch,)``."""
        order = np.argsort(labels)
        speakers, first = np.unique(labels[order], return_index=True)
        # Several times faster than np.add.at.
        self.sums[speakers] += np.add.reduceat(embeddings[order], first, axis=0, dtype=np.float32)

    def mean(self) -> FloatArray:
        """Return the direction of each speaker's mean, ``(speakers, dim)``: unit rows, zeros if not seen."""
        return unit_rows(self.sums)


def unit_rows(vectors: npt.NDArray[np.floating]) -> FloatArray:
    """Scale rows ``(rows, dim)`` to unit length; those of zeros, or with a number not finite, become zeros.

    Example:
        >>> unit_rows(np.array([[0.0, 2.0], [np.nan, 1.0]]))
        array([[0., 1.], [0., 0.]], dtype=float32)
    """
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    known = np.isfinite(norms) & (norms > 0)
    return np.where(known, vectors / np.where(known, norms, 1), 0).astype(np.float32)
