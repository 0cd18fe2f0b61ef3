"""Linear discriminant analysis: the directions in which speakers differ most, scaled by how far a speaker spreads."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy  # its parts are loaded where they are used

FloatArray = npt.NDArray[np.float32]
SHRINKAGE = 1e-3  # of the within-speaker covariance towards a sphere: with few utterances it is singular


@dataclass(frozen=True, slots=True)
class LDA:
    """A projection to fewer dimensions, in which speakers spread by one in every direction.

    Attributes:
        mean: float32 ``(dim,)``, subtracted first.
        projection: float32 ``(dim, kept)``.
    """

    mean: FloatArray
    projection: FloatArray

    def __call__(self, embeddings: FloatArray) -> FloatArray:
        """Project ``(n, dim)`` to ``(n, kept)``."""
        return np.asarray((embeddings - self.mean) @ self.projection, dtype=np.float32)

    @classmethod
    def fit(
        cls, embeddings: npt.ArrayLike, speakers: npt.ArrayLike, dim: int, shrinkage: float = SHRINKAGE
    ) -> "LDA":
        """Fit to embeddings of known speakers.

        Args:
            embeddings: ``(n, dim)``, finite.
            speakers: ``(n,)``, ids of any type; at least two, one of them with two utterances.
            dim: how many dimensions are kept; at most one fewer than there are speakers.
            shrinkage: share of a sphere of equal variance in the within-speaker covariance, in [0, 1].

        Raises:
            ValueError: the shapes do not fit, there are too few speakers or utterances, or ``dim`` is out of range.

        References:
            R. A. Fisher, "The use of multiple measurements in taxonomic problems", Annals of Eugenics 7, 1936.

        Examples:
            >>> rng = np.random.default_rng(0)
            >>> speakers = np.arange(60) // 6
            >>> points = rng.normal(size=(60, 5)) + 9 * np.eye(10, 5)[speakers]
            >>> LDA.fit(points, speakers, dim=2)(points.astype(np.float32)).shape
            (60, 2)
        """
        within, between, mean = scatter(embeddings, speakers)
        distinct = len(np.unique(np.asarray(speakers)))
        if not 1 <= dim <= min(len(mean), distinct - 1):
            raise ValueError(f"{dim} dimensions of {len(mean)} cannot be kept for {distinct} speakers")
        if not 0 <= shrinkage <= 1:
            raise ValueError(f"the shrinkage lies in [0, 1], not at {shrinkage}")
        sphere = np.eye(len(mean)) * np.trace(within) / len(mean)
        try:
            _, vectors = scipy.linalg.eigh(between, (1 - shrinkage) * within + shrinkage * sphere)
        except np.linalg.LinAlgError:
            raise ValueError("speakers do not spread in every direction; raise the shrinkage") from None
        return cls(mean.astype(np.float32), vectors[:, : -dim - 1 : -1].astype(np.float32))


def scatter(
    embeddings: npt.ArrayLike, speakers: npt.ArrayLike
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the covariance within speakers, that of the speakers' means weighed by utterances, and the mean.

    Raises:
        ValueError: the shapes do not fit, a value is not finite, or there are too few speakers or utterances.
    """
    values = np.asarray(embeddings, dtype=np.float64)
    names = np.asarray(speakers)
    if values.ndim != 2 or names.shape != values.shape[:1]:
        raise ValueError(f"embeddings (n, dim) and speakers (n,) do not fit: {values.shape}, {names.shape}")
    if not np.isfinite(values).all():
        raise ValueError("an embedding is not finite")
    _, place, counts = np.unique(names, return_inverse=True, return_counts=True)
    if len(counts) < 2 or counts.max() < 2:
        raise ValueError("at least two speakers are needed, and one of them with two utterances")
    mean = values.mean(axis=0)
    sums = np.zeros((len(counts), values.shape[1]))
    np.add.at(sums, place, values)
    centres = sums / counts[:, None]
    inside, apart = values - centres[place], (centres - mean)[place]
    return inside.T @ inside / len(values), apart.T @ apart / len(values), mean
