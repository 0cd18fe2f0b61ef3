"""Single error rates from a DET curve."""

import numpy as np

from speakertrip.metrics.det import DetCurve
from speakertrip.metrics.hull import convex_hull


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
    gap = curve.miss - curve.false_alarm  # rises from -1 to 1
    after = int(np.argmax(gap >= 0))
    share = -gap[after - 1] / (gap[after] - gap[after - 1])
    return float(curve.miss[after - 1] + share * (curve.miss[after] - curve.miss[after - 1]))


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

    Examples:
        >>> from speakertrip.metrics import det_curve
        >>> convex_hull_eer(det_curve([0.1, 0.4, 0.35, 0.8], [False, False, True, True]))
        0.25
    """
    return equal_error_rate(convex_hull(curve))


def miss_at_false_alarm(curve: DetCurve, false_alarm: float) -> float:
    """Return the lowest miss rate of a threshold whose false-alarm rate is at most as high as asked.

    Args:
        curve: a DET curve.
        false_alarm: a fraction in [0, 1].

    Raises:
        ValueError: the rate is out of range.

    Examples:
        >>> from speakertrip.metrics import det_curve
        >>> miss_at_false_alarm(det_curve([0.1, 0.4, 0.35, 0.8], [False, False, True, True]), 0.1)
        0.5
    """
    return float(curve.miss[curve.false_alarm <= _rate(false_alarm)].min())


def false_alarm_at_miss(curve: DetCurve, miss: float) -> float:
    """Return the lowest false-alarm rate of a threshold whose miss rate is at most as high as asked.

    Args:
        curve: a DET curve.
        miss: a fraction in [0, 1].

    Raises:
        ValueError: the rate is out of range.

    Examples:
        >>> from speakertrip.metrics import det_curve
        >>> false_alarm_at_miss(det_curve([0.1, 0.4, 0.35, 0.8], [False, False, True, True]), 0.1)
        0.5
    """
    return float(curve.false_alarm[curve.miss <= _rate(miss)].min())


def _rate(value: float) -> float:
    if not 0 <= value <= 1:
        raise ValueError(f"an error rate lies in [0, 1], not at {value}")
    return value
