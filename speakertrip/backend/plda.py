"""Two-covariance PLDA: how likely two sides of a trial are one draw of a speaker, or two."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import scipy  # its parts are loaded where they are used

from speakertrip.backend.lda import scatter

FloatArray = npt.NDArray[np.float32]
Matrix = npt.NDArray[np.float64]
ITERATIONS = 20
RIDGE = 1e-6  # of the mean variance, added within speakers: few utterances leave directions without any
LEAST = 1e-4  # variance of speakers to begin with, in that within speakers: from 0 it could not grow


@dataclass(frozen=True)
class PLDA:
    """Embeddings are ``mean + speaker + rest``, both normal: of covariance ``between`` and ``within``.

    A natural-log likelihood ratio of two sides is the inner product of a map of each: ``enrollments`` and ``tests``.

    Attributes:
        mean: float64 ``(dim,)``.
        between: float64 ``(dim, dim)``, of speakers.
        within: float64 ``(dim, dim)``, of a speaker's utterances; positive definite.

    References:
        N. Brümmer and E. de Villiers, "The speaker partitioning problem", Odyssey 2010. S. Ioffe, "Probabilistic linear
        discriminant analysis", ECCV 2006.

    Examples:
        >>> model = PLDA(np.zeros(1), np.array([[4.0]]), np.array([[1.0]]))
        >>> same, other = np.float32([[2.0]]), np.float32([[-2.0]])
        >>> enrollment = model.enrollments(same, np.array([1]))
        >>> (enrollment @ model.tests(same).T).round(2), (enrollment @ model.tests(other).T).round(2)
        (array([[0.87]], dtype=float32), array([[-2.69]], dtype=float32))
    """

    mean: Matrix
    between: Matrix
    within: Matrix

    @cached_property
    def _axes(self) -> tuple[Matrix, Matrix]:
        """Variance of speakers along axes in which utterances have 1 and both are independent, and these axes."""
        root = np.linalg.cholesky(
            self.within
        )  # in place of SciPy's eigh of two, whose import an answer would wait for
        half = np.linalg.solve(root, self.between)
        variances, axes = np.linalg.eigh(np.linalg.solve(root, half.T))
        return np.maximum(variances, 0), np.linalg.solve(root.T, axes)

    def enrollments(self, means: FloatArray, counts: npt.NDArray[np.integer]) -> FloatArray:
        """Map enrollments: means ``(n, dim)`` of ``counts`` utterances each, to ``(n, 2 dim + 1)``.

        What is known of the speaker after n utterances of mean u is normal around ``n ψ u / (n ψ + 1)``, with variance
        ``ψ / (n ψ + 1)``, along each axis.
        """
        psi, axes = self._axes
        u, n = (means - self.mean) @ axes, counts[:, None]
        gain, known = n * psi / (n * psi + 1), 1 + psi / (n * psi + 1)
        unknown = 1 + psi
        constant = np.sum(np.log(unknown / known) - (gain * u) ** 2 / known, axis=1) / 2
        return np.column_stack([gain * u / known, (1 / unknown - 1 / known) / 2, constant]).astype(np.float32)

    def tests(self, embeddings: FloatArray) -> FloatArray:
        """Map test utterances ``(m, dim)`` to ``(m, 2 dim + 1)``."""
        v = (embeddings - self.mean) @ self._axes[1]
        return np.column_stack([v, v**2, np.ones(len(v))]).astype(np.float32)

    @classmethod
    def fit(cls, embeddings: npt.ArrayLike, speakers: npt.ArrayLike, iterations: int = ITERATIONS) -> "PLDA":
        """Fit by expectation maximisation.

        Args:
            embeddings: ``(n, dim)``, finite.
            speakers: ``(n,)``, ids of any type.
            iterations: how many.

        Raises:
            ValueError: the shapes do not fit, or there are too few speakers or utterances for the dimensions.
        """
        within, between, mean = scatter(embeddings, speakers)
        values = np.asarray(embeddings, dtype=np.float64) - mean
        _, place, counts = np.unique(np.asarray(speakers), return_inverse=True, return_counts=True)
        (utterances, dim), beyond = values.shape, len(values) - len(counts)
        if beyond < dim:
            raise ValueError(
                f"PLDA of {dim} dimensions needs as many utterances beyond each speaker's first, and there are "
                f"{beyond}; keep fewer dimensions by LDA"
            )
        sums = np.zeros((len(counts), dim))
        np.add.at(sums, place, values)
        total = values.T @ values
        ridge = RIDGE * np.trace(within + between) / dim * np.eye(dim)
        within = within * utterances / beyond + ridge
        psi, axes = scipy.linalg.eigh(between - len(counts) / utterances * within, within)
        back = within @ axes
        between = (back * np.maximum(psi, LEAST)) @ back.T  # the answer, if all have as many utterances
        for _ in range(iterations):
            between, within = _step(between, within, sums, counts, total)
            within = within + ridge
        return cls(mean, between, within)

    def adapt(
        self,
        embeddings: npt.ArrayLike,
        to_within: float = 0.75,
        to_between: float = 0.25,
        mean_share: float = 1.0,
    ) -> "PLDA":
        """Adapt to another domain by embeddings of unknown speakers.

        Where these vary more than the model says, the excess is added to both covariances, by the given shares
        (the rule of Kaldi's ``ivector-adapt-plda``, with the shares of its SRE16 recipe); their mean becomes the
        model's.

        Args:
            embeddings: ``(n, dim)``, of the new domain.
            to_within: share of the excess that is added within speakers.
            to_between: share that is added between them.
            mean_share: how much of the square of the way to the new mean counts as variance.

        Raises:
            ValueError: there are fewer than two embeddings, or a share is negative.
        """
        values = np.asarray(embeddings, dtype=np.float64)
        if values.ndim != 2 or len(values) < 2 or values.shape[1] != len(self.mean):
            raise ValueError(f"adaptation needs two embeddings of {len(self.mean)}, not {values.shape}")
        if not np.isfinite(values).all() or min(to_within, to_between, mean_share) < 0:
            raise ValueError("adaptation needs finite embeddings, and shares of 0 or more")
        root = scipy.linalg.cholesky(self.between + self.within, lower=True)
        mean = values.mean(axis=0)
        away, way = values - mean, mean - self.mean
        variance = away.T @ away / len(values) + mean_share * np.outer(way, way)
        half = scipy.linalg.solve_triangular(root, variance, lower=True)
        variances, axes = scipy.linalg.eigh(scipy.linalg.solve_triangular(root, half.T, lower=True))
        back = root @ axes
        excess = (back * np.maximum(variances - 1, 0)) @ back.T
        return PLDA(mean, self.between + to_between * excess, self.within + to_within * excess)

    def interpolate(self, other: "PLDA", weight: float) -> "PLDA":
        """Mix with a model that was fitted to labelled data of another domain; ``weight`` in [0, 1] is the other's.

        Raises:
            ValueError: the weight is out of range, or the dimensions differ.
        """
        if not 0 <= weight <= 1 or self.mean.shape != other.mean.shape:
            raise ValueError(f"a weight in [0, 1] and equal dimensions are needed, not {weight}")
        pairs = ((getattr(self, key), getattr(other, key)) for key in ("mean", "between", "within"))
        return PLDA(*((1 - weight) * ours + weight * theirs for ours, theirs in pairs))


def _step(
    between: Matrix, within: Matrix, sums: Matrix, counts: npt.NDArray[np.int64], total: Matrix
) -> tuple[Matrix, Matrix]:
    """One iteration: where each speaker probably is, then the covariances that fit these places best.

    Along axes in which both covariances are diagonal, speakers of any number of utterances are done at once.
    """
    psi, axes = scipy.linalg.eigh(between, within)
    back, n = within @ axes, counts[:, None]
    psi = np.maximum(psi, 0)
    unknown = psi / (1 + n * psi)
    along = sums @ axes
    places = along * unknown
    cross = along.T @ places
    new_between = np.diag(unknown.sum(axis=0)) + places.T @ places
    new_within = axes.T @ total @ axes - cross - cross.T
    new_within += np.diag((n * unknown).sum(axis=0)) + places.T @ (n * places)
    new_between, new_within = new_between / len(counts), new_within / counts.sum()
    return back @ (new_between + new_between.T) @ back.T / 2, back @ (new_within + new_within.T) @ back.T / 2
