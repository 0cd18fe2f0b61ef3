"""The detection error trade-off: miss and false-alarm rates at every threshold that matters."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class DetCurve:
    """Miss and false-alarm rates, from "accept every trial" to "reject every trial".

    Attributes:
        miss: ``(thresholds + 1,)``, share of targets below the threshold, from 0 up to 1.
        false_alarm: ``(thresholds + 1,)``, share of nontargets at or above it, from 1 down to 0.
        thresholds: ``(thresholds + 1,)``, increasing: each distinct score, then +infinity.
    """

    miss: FloatArray
    false_alarm: FloatArray
    thresholds: FloatArray


def det_curve(
    scores: npt.ArrayLike, targets: npt.ArrayLike, weights: npt.ArrayLike | None = None
) -> DetCurve:
    """Compute the DET curve; equal scores are pooled into one step.

    A trial is accepted when its score is at or above the threshold.

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
    values = np.asarray(scores, dtype=np.float64)
    truth = np.asarray(targets, dtype=np.bool_)
    weight = np.ones(len(values)) if weights is None else np.asarray(weights, dtype=np.float64)
    if values.ndim != 1 or not values.shape == truth.shape == weight.shape:
        raise ValueError(
            f"scores, targets and weights must be of one length, not {values.shape}, {truth.shape}, {weight.shape}"
        )
    if not np.isfinite(values).all():
        raise ValueError(f"score {int(np.argmin(np.isfinite(values)))} is not finite")
    distinct, step = np.unique(values, return_inverse=True)
    target_mass = np.bincount(step, weights=weight * truth).astype(np.float64)
    nontarget_mass = np.bincount(step, weights=weight * ~truth).astype(np.float64)
    if not (target_mass.sum() > 0 and nontarget_mass.sum() > 0):
        raise ValueError("an error rate needs at least one target and one nontarget trial")
    return DetCurve(
        miss=_shares_below(target_mass),
        false_alarm=_shares_below(nontarget_mass[::-1])[::-1],
        thresholds=np.append(distinct, np.inf),
    )


def _shares_below(mass: npt.NDArray[np.floating]) -> FloatArray:
    """Share of the mass in the steps before each step, and 1 at the end."""
    shares = np.concatenate([[0.0], np.cumsum(mass)])
    shares /= shares[-1]
    return shares
