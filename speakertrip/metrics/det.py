"""The detection error trade-off: miss and false-alarm rates at every threshold that matters."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from speakertrip.metrics.sorted_scores import Scores, SortedScores, require_finite, sort_scores

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class DetCurve:
    """Miss and false-alarm rates, from "accept every trial" to "reject every trial", joined by straight lines.

    Attributes:
        miss: ``(points,)``, share of targets below the threshold, from 0 up to 1.
        false_alarm: ``(points,)``, share of nontargets at or above it, from 1 down to 0.
        thresholds: ``(points,)``, increasing; the last is +infinity.
    """

    miss: FloatArray
    false_alarm: FloatArray
    thresholds: FloatArray


def det_curve(
    scores: npt.ArrayLike, targets: npt.ArrayLike, weights: npt.ArrayLike | None = None
) -> DetCurve:
    """Compute the DET curve; equal scores are pooled into one step.

    A trial is accepted when its score is at or above the threshold. Points on a straight line between their
    neighbours are left out, but for those beside the equal error rate. The time is that of sorting (float32 is
    sorted as such, twice as fast as float64), and a search for each trial of the rarer kind.

    Args:
        scores: ``(trials,)``, finite; higher for the same speaker.
        targets: bool ``(trials,)``.
        weights: ``(trials,)``, non-negative; None: every trial counts once.

    Raises:
        ValueError: the lengths differ, a score is not finite, or targets or nontargets have no weight.

    References:
        A. Martin et al., "The DET curve in assessment of detection task performance", Eurospeech 1997.

    Examples:
        >>> curve = det_curve([0.1, 0.4, 0.35, 0.8], [False, False, True, True])
        >>> curve.miss
        array([0. , 0. , 0.5, 0.5, 1. ])
        >>> curve.false_alarm
        array([1. , 0.5, 0.5, 0. , 0. ])
    """
    if weights is None:
        ordered = sort_scores(scores, targets)
        few = np.concatenate([ordered.targets[:1], ordered.nontargets[:1], ordered.around_eer()])
        return merge(_curve(ordered, *corners(ordered)), curve_at(ordered, few))
    values = np.asarray(scores, dtype=np.float64)
    truth, weight = np.asarray(targets, dtype=np.bool_), np.asarray(weights, dtype=np.float64)
    require_finite(values, truth, weight)
    distinct, step = np.unique(values, return_inverse=True)
    masses = (np.bincount(step, weights=weight * kind, minlength=1) for kind in (truth, ~truth))
    return curve_of_masses(distinct, *masses)


def curve_of_masses(thresholds: FloatArray, targets: npt.ArrayLike, nontargets: npt.ArrayLike) -> DetCurve:
    """Return the curve of the weights of targets and nontargets at some increasing scores.

    Raises:
        ValueError: targets or nontargets have no weight.
    """
    up_to = np.cumsum(targets, dtype=np.float64), np.cumsum(nontargets, dtype=np.float64)
    if not (len(thresholds) and up_to[0][-1] > 0 and up_to[1][-1] > 0):
        raise ValueError("an error rate needs at least one target and one nontarget trial")
    miss, rejected = (np.concatenate([[0.0], sums]) / sums[-1] for sums in up_to)
    return DetCurve(miss, 1 - rejected, np.append(thresholds, np.inf))


def corners(scores: SortedScores) -> tuple[Scores, IntArray, IntArray]:
    """Return where the curve turns: at the scores of the rarer kind, and just above them.

    Between two scores of the rarer kind only the rate of the other kind changes: the points there lie on a line.

    Returns:
        ``(thresholds, missed, rejected)``, ``(corners,)`` each: scores, and how many targets and nontargets are below.
    """
    rarer, other = sorted((scores.targets, scores.nontargets), key=len)
    last = np.append(rarer[1:] > rarer[:-1], True)  # of equal scores
    at, up_to = rarer[last], np.flatnonzero(last) + 1
    others = np.searchsorted(other, at)
    others_up_to = others.copy()
    tied = np.flatnonzero(other[np.minimum(others, len(other) - 1)] == at)
    others_up_to[tied] = np.searchsorted(other, at[tied], side="right")
    # Just above a score is the next one of the other kind, unless one of this kind comes first.
    apart = others_up_to < np.append(others[1:], len(other))
    second = np.flatnonzero(apart) + np.arange(1, np.count_nonzero(apart) + 1)
    points = np.repeat(np.arange(len(at)), 1 + apart)
    thresholds, below, others_below = at[points], np.append(0, up_to[:-1])[points], others[points]
    thresholds[second], below[second] = other[others_up_to[apart]], up_to[apart]
    others_below[second] = others_up_to[apart]
    if rarer is scores.targets:
        return thresholds, below, others_below
    return thresholds, others_below, below


def curve_at(scores: SortedScores, thresholds: Scores) -> DetCurve:
    """Return the points of the curve at some thresholds, and its last."""
    at = np.unique(thresholds)
    return _curve(scores, at, np.searchsorted(scores.targets, at), np.searchsorted(scores.nontargets, at))


def _curve(scores: SortedScores, thresholds: Scores, missed: IntArray, rejected: IntArray) -> DetCurve:
    targets, nontargets = len(scores.targets), len(scores.nontargets)
    return DetCurve(
        np.append(missed, targets) / targets,
        (nontargets - np.append(rejected, nontargets)) / nontargets,
        np.append(thresholds.astype(np.float64), np.inf),
    )


def merge(curve: DetCurve, few: DetCurve) -> DetCurve:
    """Insert the points of a short curve that a long one lacks."""
    places = np.searchsorted(curve.thresholds, few.thresholds)
    lacking = curve.thresholds[places] != few.thresholds
    columns = ("miss", "false_alarm", "thresholds")
    return DetCurve(
        *(np.insert(getattr(curve, c), places[lacking], getattr(few, c)[lacking]) for c in columns)
    )
