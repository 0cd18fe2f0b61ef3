"""Single numbers from a DET curve."""

import numpy as np

from speakertrip.metrics.det import DetCurve


def equal_error_rate(curve: DetCurve) -> float:
    """Return the error rate where misses and false alarms are equally frequent, by linear interpolation.

    This is the rule of the VoxSRC challenges (the ROC is joined by straight lines), with ties pooled.

    Returns:
        A fraction in [0, 1].

    Examples:
        >>> from speakertrip.metrics import det_curve
        >>> equal_error_rate(det_curve([0.1, 0.4, 0.35, 0.8], [False, False, True, True]))
        0.5
    """
    before, share = _crossing(curve)
    return float(curve.miss[before] + share * (curve.miss[before + 1] - curve.miss[before]))


def threshold_at_eer(curve: DetCurve) -> float:
    """Return the threshold whose miss and false-alarm rates differ least (accept at or above it).

    Where several do, the middle of the scores that bracket them: the threshold lies between scores, so that it
    does not hang on the digits of one trial.
    """
    gap = np.abs(curve.miss - curve.false_alarm)
    best = np.flatnonzero(gap == gap.min())
    lowest = curve.thresholds[best[0] - 1] if best[0] > 0 else curve.thresholds[best[0]]
    highest = curve.thresholds[best[-1]]
    if not np.isfinite(highest):
        return float(np.nextafter(lowest, np.inf))
    return float((lowest + highest) / 2)


def convex_hull_eer(curve: DetCurve) -> float:
    """Return the equal error rate on the convex hull of the ROC; never above ``equal_error_rate``.

    It is the error rate of the best decisions that a monotone calibration of the scores allows at the worst
    prior (Brümmer: BOSARIS toolkit, 2011), and is reported beside the EER under its own name.
    """
    hull = _lower_hull(np.unique(np.stack([curve.false_alarm, curve.miss], axis=1), axis=0))
    false_alarm, miss = hull[:, 0], hull[:, 1]
    crossing = int(np.argmax(miss - false_alarm <= 0))  # from (0, 1) down to (1, 0)
    if crossing == 0:
        return float(miss[0])
    above = miss[crossing - 1] - false_alarm[crossing - 1]
    below = miss[crossing] - false_alarm[crossing]
    share = above / (above - below)
    return float(miss[crossing - 1] + share * (miss[crossing] - miss[crossing - 1]))


def min_dcf(curve: DetCurve, p_target: float, c_miss: float = 1.0, c_fa: float = 1.0) -> float:
    """Return the normalised detection cost at the best threshold.

    ``min_t [c_miss p Pmiss(t) + c_fa (1-p) Pfa(t)] / min(c_miss p, c_fa (1-p))`` (NIST SRE; VoxSRC uses
    p_target 0.05 with unit costs).

    Args:
        curve: a DET curve.
        p_target: prior of a target trial, in (0, 1).
        c_miss: cost of a miss, positive.
        c_fa: cost of a false alarm, positive.

    Returns:
        A cost in [0, 1]; 1 is what ignoring the scores would cost.

    Raises:
        ValueError: the prior or a cost is out of range.

    Examples:
        >>> from speakertrip.metrics import det_curve
        >>> min_dcf(det_curve([0.1, 0.4, 0.35, 0.8], [False, False, True, True]), p_target=0.01)
        0.5
    """
    if not (0 < p_target < 1 and c_miss > 0 and c_fa > 0):
        raise ValueError(f"p_target must lie in (0, 1) and costs above 0, not {p_target}, {c_miss}, {c_fa}")
    costs = c_miss * p_target * curve.miss + c_fa * (1 - p_target) * curve.false_alarm
    return float(costs.min() / min(c_miss * p_target, c_fa * (1 - p_target)))


def _crossing(curve: DetCurve) -> tuple[int, float]:
    """Return the last point with miss < false alarm, and how far to its successor the two are equal."""
    difference = curve.miss - curve.false_alarm  # rises from -1 to 1
    after = int(np.argmax(difference >= 0))
    low, high = difference[after - 1], difference[after]
    return after - 1, float(-low / (high - low))


def _lower_hull(points: np.ndarray) -> np.ndarray:
    """Lower-left convex hull of points ``(n, 2)`` sorted by x, then y (Andrew's monotone chain)."""
    hull: list[tuple[float, float]] = []
    for x, y in points.tolist():
        while len(hull) > 1:
            (x1, y1), (x2, y2) = hull[-2:]
            if (x2 - x1) * (y - y1) <= (y2 - y1) * (x - x1):
                hull.pop()
            else:
                break
        hull.append((x, y))
    return np.array(hull)
