"""Scores of target and nontarget trials, each sorted: what error rates of millions of trials are counted on."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Scores = npt.NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class SortedScores:
    """Scores by kind of trial, in ascending order, float32 or float64, none empty, all finite.

    Attributes:
        targets: ``(targets,)``.
        nontargets: ``(nontargets,)``.
    """

    targets: Scores
    nontargets: Scores

    def rates(self, thresholds: Scores) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Return the miss and false-alarm rates at some thresholds, ``(thresholds,)`` each."""
        missed = np.searchsorted(self.targets, thresholds)
        rejected = np.searchsorted(self.nontargets, thresholds)
        return missed / len(self.targets), (len(self.nontargets) - rejected) / len(self.nontargets)

    def around_eer(self) -> Scores:
        """Return the scores beside the equal error rate, ``(1 to 3,)``, by bisection.

        The lowest score at which there are no fewer misses than false alarms, and the two scores below it.
        """
        found = [
            kind[at] for kind in (self.targets, self.nontargets) if (at := self._first(kind)) < len(kind)
        ]
        if not found:  # even at the highest score
            found = [max(self.targets[-1], self.nontargets[-1])]
        scores = [min(found)]
        while len(scores) < 3 and (lower := self._below(scores[-1])) is not None:
            scores.append(lower)
        return np.array(scores[::-1])

    def _first(self, kind: Scores) -> int:
        """Bisect for the first score of a kind at which there are no fewer misses than false alarms."""
        low, high = 0, len(kind)
        while low < high:
            middle = (low + high) // 2
            miss, false_alarm = self.rates(kind[middle : middle + 1])
            low, high = (low, middle) if miss[0] >= false_alarm[0] else (middle + 1, high)
        return low

    def _below(self, score: np.floating) -> np.floating | None:
        """Return the highest score below another, of either kind."""
        kinds = ((kind, int(np.searchsorted(kind, score))) for kind in (self.targets, self.nontargets))
        return max((kind[at - 1] for kind, at in kinds if at), default=None)


def sort_scores(scores: npt.ArrayLike, targets: npt.ArrayLike) -> SortedScores:
    """Sort the scores of targets and of nontargets apart.

    Args:
        scores: ``(trials,)``, finite; float32 stays float32, anything else becomes float64.
        targets: bool ``(trials,)``.

    Raises:
        ValueError: the lengths differ, a score is not finite, or targets or nontargets are missing.

    Examples:
        >>> sort_scores([0.4, 0.1, 0.3], [True, False, True])
        SortedScores(targets=array([0.3, 0.4]), nontargets=array([0.1]))
    """
    (target_scores, _), (nontarget_scores, _) = by_kind(scores, targets)
    target_scores.sort()
    nontarget_scores.sort()
    return SortedScores(target_scores, nontarget_scores)


def by_kind(
    scores: npt.ArrayLike, targets: npt.ArrayLike, weights: npt.ArrayLike | None = None
) -> tuple[tuple[Scores, Scores | None], tuple[Scores, Scores | None]]:
    """Return copies of the scores and weights of targets, and those of nontargets.

    Args:
        scores: ``(trials,)``, finite; float32 stays float32, anything else becomes float64.
        targets: bool ``(trials,)``.
        weights: ``(trials,)``, non-negative; None: every trial counts once.

    Raises:
        ValueError: the lengths differ, a score is not finite, or targets or nontargets are missing.
    """
    values = np.asarray(scores)
    if values.dtype != np.float32:
        values = values.astype(np.float64)
    truth = np.asarray(targets, dtype=np.bool_)
    weight = None if weights is None else np.asarray(weights, dtype=np.float64)
    require_finite(values, truth, *(() if weight is None else (weight,)))
    kinds = tuple((values[kind], None if weight is None else weight[kind]) for kind in (truth, ~truth))
    if not all(len(kept) if of is None else (of > 0).any() for kept, of in kinds):
        raise ValueError("an error rate needs at least one target and one nontarget trial")
    return kinds[0], kinds[1]


def require_finite(scores: Scores, *columns: npt.NDArray[np.generic]) -> None:
    """Check that scores are finite and that other columns are as long.

    Raises:
        ValueError: they are not.
    """
    if scores.ndim != 1 or any(column.shape != scores.shape for column in columns):
        shapes = ", ".join(str(column.shape) for column in (scores, *columns))
        raise ValueError(f"scores, targets and weights must be of one length, not {shapes}")
    if not np.isfinite(scores).all():
        raise ValueError(f"score {int(np.argmin(np.isfinite(scores)))} is not finite")
