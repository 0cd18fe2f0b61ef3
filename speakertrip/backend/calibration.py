"""From scores to natural-log likelihood ratios: linear logistic calibration, fusion, and isotonic calibration."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy  # its parts are loaded where they are used

LARGEST = 1e12  # of a weight: scores times a larger one overflow
FloatArray = npt.NDArray[np.float64]
# Between the balanced prior of Cllr and the 0.01 of the strictest usual operating point: what is decided at low false
# alarms weighs more, and a list of some thousand trials still holds errors to learn from.
P_TARGET = 0.05
PENALTY = (
    1e-4  # on weights of columns of unit deviation: without it, separable scores have no finite best weight
)


@dataclass(frozen=True, slots=True)
class LinearCalibration:
    """An LLR that is a weighted sum of scores: calibration of one system, fusion of several, with quality measures.

    Attributes:
        names: of the columns.
        weights: ``(columns,)``.
        bias: added.

    Examples:
        >>> LinearCalibration(("score",), np.array([2.0]), -1.0)([0.5, 1.0])
        array([0., 1.])
    """

    names: tuple[str, ...]
    weights: FloatArray
    bias: float

    def __post_init__(self) -> None:
        if not (np.abs(np.append(self.weights, self.bias)) < LARGEST).all():
            raise ValueError(f"weights and bias must be finite numbers below {LARGEST:g}")

    def __call__(self, columns: npt.ArrayLike) -> FloatArray:
        """Return the LLRs ``(trials,)`` of columns ``(trials, columns)``, or ``(trials,)`` where there is one.

        Raises:
            ValueError: there are more or fewer columns.
        """
        return as_columns(columns, len(self.weights)) @ self.weights + self.bias

    @classmethod
    def fit(
        cls,
        columns: npt.ArrayLike,
        targets: npt.ArrayLike,
        names: Sequence[str] = ("score",),
        p_target: float = P_TARGET,
    ) -> "LinearCalibration":
        """Fit by logistic regression in which targets weigh ``p_target`` together, whatever their number.

        A small penalty on the weights keeps them finite where the scores separate the trials without error.

        Args:
            columns: ``(trials, columns)``, or ``(trials,)``, finite.
            targets: bool ``(trials,)``.
            names: of the columns.
            p_target: prior at which the LLRs shall be best, in (0, 1).

        Raises:
            ValueError: the lengths differ, a value is not finite, targets or nontargets are missing, the prior is
                out of range, or the first column, a score, is not higher for targets in the mean.

        References:
            N. Brümmer and J. du Preez, "Application-independent evaluation of speaker detection", Computer Speech and
            Language 20(2-3), 2006.

        Examples:
            >>> rng = np.random.default_rng(0)
            >>> targets = np.arange(20_000) < 10_000
            >>> llrs = 2 * rng.standard_normal(20_000) + np.where(targets, 2, -2)  # calibrated as they are
            >>> fitted = LinearCalibration.fit(3 * llrs + 1, targets, p_target=0.5)
            >>> bool(abs(fitted.weights[0] - 1 / 3) < 0.02), bool(abs(fitted.bias + 1 / 3) < 0.05)
            (True, True)
        """
        values, truth = as_columns(columns, len(names)), np.asarray(targets, dtype=np.bool_)
        _require(values, truth, p_target)
        _require_higher(values[:, 0], truth, names[0])
        centre, scale = values.mean(axis=0), values.std(axis=0)
        scale = np.where(scale > 0, scale, 1.0)
        inputs = np.column_stack([(values - centre) / scale, np.ones(len(values))])
        signs = np.where(truth, 1.0, -1.0)
        shares = np.where(truth, p_target / truth.sum(), (1 - p_target) / (~truth).sum())
        prior = np.log(p_target) - np.log1p(-p_target)
        shares /= p_target * (1 - p_target)  # whatever the prior, the loss curves about as much

        def loss(parameters: FloatArray) -> tuple[float, FloatArray]:
            wrong = -signs * (inputs @ parameters + prior)
            slope = -signs * shares * np.exp(-np.logaddexp(0, -wrong))
            penalised = np.append(parameters[:-1], 0.0)
            cost = shares @ np.logaddexp(0, wrong) + PENALTY / 2 * penalised @ penalised
            return float(cost), inputs.T @ slope + PENALTY * penalised

        options = {"maxiter": 1_000, "ftol": 1e-15, "gtol": 1e-10}
        found = scipy.optimize.minimize(
            loss, np.zeros(inputs.shape[1]), jac=True, method="L-BFGS-B", options=options
        ).x
        weights = found[:-1] / scale
        if not weights.any():
            raise ValueError(f"no weight could be found at p_target {p_target:g}; take one nearer to 0.5")
        return cls(tuple(names), weights, float(found[-1] - weights @ centre))


@dataclass(frozen=True, slots=True)
class IsotonicCalibration:
    """An LLR that rises with the score in steps, as pooling adjacent violators finds them.

    Attributes:
        thresholds: ``(steps,)``, the lowest score of each step, increasing; lower scores belong to the first.
        llrs: ``(steps,)``, increasing.

    Raises:
        ValueError: they are of two lengths, or do not increase.
    """

    thresholds: FloatArray
    llrs: FloatArray

    def __post_init__(self) -> None:
        if not len(self.thresholds) or self.thresholds.shape != self.llrs.shape:
            raise ValueError("thresholds and llrs must be of one length, at least 1")
        if (np.diff(self.thresholds) <= 0).any() or (np.diff(self.llrs) < 0).any():
            raise ValueError("thresholds and llrs must increase")

    def __call__(self, scores: npt.ArrayLike) -> FloatArray:
        """Return the LLRs of scores ``(trials,)``; they tie within a step."""
        steps = np.searchsorted(self.thresholds, np.asarray(scores, dtype=np.float64), side="right") - 1
        return np.asarray(self.llrs[np.maximum(steps, 0)])

    @classmethod
    def fit(cls, scores: npt.ArrayLike, targets: npt.ArrayLike) -> "IsotonicCalibration":
        """Fit to the share of targets at each score.

        So that the ends stay finite, a target trial is added below all scores and a nontarget trial above all, and
        both count in the prior that is taken off: a rule of Laplace's kind.

        Args:
            scores: ``(trials,)``, finite.
            targets: bool ``(trials,)``.

        Raises:
            ValueError: the lengths differ, a score is not finite, or targets or nontargets are missing.

        Examples:
            >>> fitted = IsotonicCalibration.fit([0.1, 0.2, 0.3, 0.4], [False, False, True, True])
            >>> fitted([0.0, 0.2, 0.3, 9.0]).round(2)
            array([-0.69, -0.69,  0.69,  0.69])
        """
        values, truth = np.asarray(scores, dtype=np.float64), np.asarray(targets, dtype=np.bool_)
        _require(values[:, None] if values.ndim == 1 else values, truth, 0.5)
        _require_higher(values, truth, "score")
        distinct, step = np.unique(values, return_inverse=True)
        hits = np.concatenate([[1.0], np.bincount(step, weights=truth), [0.0]])
        counts = np.concatenate([[1.0], np.bincount(step), [1.0]])
        pooled = scipy.optimize.isotonic_regression(hits / counts, weights=counts)
        blocks = pooled.blocks[:-1]
        share = pooled.x[blocks]
        prior = np.log((truth.sum() + 1) / ((~truth).sum() + 1))
        lowest = np.concatenate([distinct[:1], distinct, distinct[-1:]])[blocks]
        kept = np.append(
            lowest[1:] > lowest[:-1], True
        )  # of equal ones the last, which is what a score finds
        return cls(lowest[kept], (np.log(share) - np.log1p(-share) - prior)[kept])


Calibration = LinearCalibration | IsotonicCalibration


def as_columns(columns: npt.ArrayLike, count: int) -> FloatArray:
    """Return ``(trials, columns)``.

    Raises:
        ValueError: it has another number of columns.
    """
    values = np.asarray(columns, dtype=np.float64)
    values = values[:, None] if values.ndim == 1 else values
    if values.ndim != 2 or values.shape[1] != count:
        raise ValueError(f"expected {count} columns (trials, columns), not an array {np.shape(columns)}")
    return values


def _require_higher(scores: FloatArray, truth: npt.NDArray[np.bool_], name: str) -> None:
    if scores[truth].mean() <= scores[~truth].mean():
        raise ValueError(f"the {name} is not higher for targets than for nontargets: nothing to calibrate")


def _require(values: FloatArray, truth: npt.NDArray[np.bool_], p_target: float) -> None:
    if values.ndim != 2 or len(values) != len(truth) or truth.ndim != 1:
        raise ValueError(f"scores {values.shape} and targets {truth.shape} must be of one length")
    if not np.isfinite(values).all():
        raise ValueError(
            f"the scores of trial {int(np.argmin(np.isfinite(values).all(axis=1)))} are not finite"
        )
    if not truth.any() or truth.all():
        raise ValueError("a calibration needs at least one target and one nontarget trial")
    if not 0 < p_target < 1:
        raise ValueError(f"p_target must lie in (0, 1), not at {p_target}")
