"""The cost of log likelihood ratios: what their information is worth, and what bad calibration loses of it."""

import numpy as np
import numpy.typing as npt

from speakertrip.metrics.det import DetCurve
from speakertrip.metrics.hull import convex_hull
from speakertrip.metrics.sorted_scores import by_kind

BLOCK = 32_768  # scores at a time, so that they stay in the processor's cache


def cllr(llrs: npt.ArrayLike, targets: npt.ArrayLike, weights: npt.ArrayLike | None = None) -> float:
    """Return the cost of log likelihood ratios, in bits: the mean cost of Bayes decisions over all priors.

    ``½ [mean over targets of log2(1 + e^-s) + mean over nontargets of log2(1 + e^s)]``; a system that always says 0
    has 1, and one that is badly calibrated may have more.

    Args:
        llrs: ``(trials,)``, natural-log likelihood ratios, finite.
        targets: bool ``(trials,)``.
        weights: ``(trials,)``, non-negative; None: every trial counts once.

    Raises:
        ValueError: the lengths differ, a score is not finite, or targets or nontargets have no weight.

    References:
        N. Brümmer and J. du Preez, "Application-independent evaluation of speaker detection", Computer Speech and
        Language 20(2-3), 2006.

    Examples:
        >>> cllr([0.0, 0.0], [True, False])
        1.0
        >>> round(cllr([3.0, -3.0], [True, False]), 4)
        0.0701
    """
    (target, target_weights), (nontarget, nontarget_weights) = by_kind(llrs, targets, weights)
    return (mean_bits(-target, target_weights) + mean_bits(nontarget, nontarget_weights)) / 2


def mean_bits(llrs: npt.NDArray[np.floating], weights: npt.NDArray[np.floating] | None = None) -> float:
    """Return the mean of ``log2(1 + e^s)``: what ratios cost where the truth is "nontarget"; bounded in memory."""
    total = 0.0
    for begin in range(0, len(llrs), BLOCK):
        costs = bits(llrs[begin : begin + BLOCK])
        total += float(costs.sum() if weights is None else weights[begin : begin + BLOCK] @ costs)
    return float(total / (len(llrs) if weights is None else weights.sum()))


def bits(llrs: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Return ``log2(1 + e^s)`` of each ratio."""
    exact = llrs.astype(np.float64)
    costs: npt.NDArray[np.float64] = np.log1p(np.exp(-np.abs(exact)))  # 2 x as fast as logaddexp
    costs += np.maximum(exact, 0)
    costs /= np.log(2)
    return costs


def min_cllr(curve: DetCurve) -> float:
    """Return the Cllr, in bits, of the best monotone calibration of the scores (by pooling adjacent violators).

    Each straight piece of the curve's convex hull holds a share a of the targets and b of the nontargets, whose best
    likelihood ratio is a/b. What Cllr exceeds it by is the loss of calibration. Never above 1.

    Examples:
        >>> from speakertrip.metrics import det_curve
        >>> round(min_cllr(det_curve([0.1, 0.4, 0.35, 0.8], [False, False, True, True])), 4)
        0.5
    """
    hull = convex_hull(curve)
    target, nontarget = np.diff(hull.miss), -np.diff(hull.false_alarm)
    mixed = (target > 0) & (nontarget > 0)  # a piece of one kind alone costs nothing
    a, b = target[mixed], nontarget[mixed]
    return float(np.sum(a * np.log1p(b / a) + b * np.log1p(a / b)) / (2 * np.log(2)))
