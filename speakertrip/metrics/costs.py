"""Detection costs: what decisions cost at a prior and two prices, at the best threshold and at the Bayes threshold."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from speakertrip.metrics.det import DetCurve
from speakertrip.metrics.sorted_scores import by_kind


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """How often a target is expected, and what the two errors cost.

    Attributes:
        p_target: prior of a target trial, in (0, 1).
        c_miss: cost of a miss, positive.
        c_fa: cost of a false alarm, positive.

    Raises:
        ValueError: the prior or a cost is out of range.

    Examples:
        >>> round(OperatingPoint(0.01).threshold, 4)
        4.5951
    """

    p_target: float
    c_miss: float = 1.0
    c_fa: float = 1.0

    def __post_init__(self) -> None:
        if not (0 < self.p_target < 1 and 0 < self.c_miss < math.inf and 0 < self.c_fa < math.inf):
            raise ValueError(
                f"p_target must lie in (0, 1) and costs above 0, not {self.p_target}, {self.c_miss}, {self.c_fa}"
            )

    @property
    def threshold(self) -> float:
        """The threshold of natural-log likelihood ratios that costs least: ``ln((1-p) c_fa / (p c_miss))``."""
        odds = math.log(1 - self.p_target) - math.log(self.p_target)
        return odds + math.log(self.c_fa) - math.log(self.c_miss)  # whose products may have no finite value

    def cost(self, miss: npt.ArrayLike, false_alarm: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Return the normalised cost of error rates; 1 is what ignoring the scores would cost.

        ``[c_miss p Pmiss + c_fa (1-p) Pfa] / min(c_miss p, c_fa (1-p))`` (NIST SRE; VoxSRC uses p_target 0.05 with
        unit costs).
        """
        on_miss, on_false_alarm = self.c_miss * self.p_target, self.c_fa * (1 - self.p_target)
        costs = on_miss * np.asarray(miss) + on_false_alarm * np.asarray(false_alarm)
        return np.asarray(costs / min(on_miss, on_false_alarm))


def min_dcf(curve: DetCurve, p_target: float, c_miss: float = 1.0, c_fa: float = 1.0) -> float:
    """Return the normalised detection cost at the best threshold; see ``OperatingPoint.cost``.

    Args:
        curve: a DET curve.
        p_target: prior of a target trial, in (0, 1).
        c_miss: cost of a miss, positive.
        c_fa: cost of a false alarm, positive.

    Returns:
        A cost in [0, 1].

    Raises:
        ValueError: the prior or a cost is out of range.

    Examples:
        >>> from speakertrip.metrics import det_curve
        >>> min_dcf(det_curve([0.1, 0.4, 0.35, 0.8], [False, False, True, True]), p_target=0.01)
        0.5
    """
    return float(OperatingPoint(p_target, c_miss, c_fa).cost(curve.miss, curve.false_alarm).min())


def mean_min_dcf(curve: DetCurve, points: Iterable[OperatingPoint]) -> float:
    """Return the mean of the lowest costs at several operating points, as of NIST SRE 2016 at 0.01 and 0.005.

    (That evaluation also weighs the trials so that each of its partitions counts alike: give ``det_curve`` the
    weights.)

    Examples:
        >>> from speakertrip.metrics import det_curve
        >>> curve = det_curve([0.1, 0.4, 0.35, 0.8], [False, False, True, True])
        >>> mean_min_dcf(curve, [OperatingPoint(0.01), OperatingPoint(0.005)])
        0.5
    """
    return float(np.mean([min_dcf(curve, point.p_target, point.c_miss, point.c_fa) for point in points]))


def act_dcf(
    llrs: npt.ArrayLike,
    targets: npt.ArrayLike,
    p_target: float,
    c_miss: float = 1.0,
    c_fa: float = 1.0,
    weights: npt.ArrayLike | None = None,
) -> float:
    """Return the normalised detection cost at the Bayes threshold: what taking the scores at their word costs.

    Args:
        llrs: ``(trials,)``, natural-log likelihood ratios.
        targets: bool ``(trials,)``.
        p_target: prior of a target trial, in (0, 1).
        c_miss: cost of a miss, positive.
        c_fa: cost of a false alarm, positive.
        weights: ``(trials,)``, non-negative; None: every trial counts once.

    Returns:
        A cost of 0 or more; it can exceed 1, which ignoring the scores would cost.

    Raises:
        ValueError: the prior or a cost is out of range, the lengths differ, a score is not finite, or targets or
            nontargets have no weight.

    Examples:
        >>> act_dcf([-3.0, 1.0, -0.5, 4.0], [False, False, True, True], p_target=0.5)
        1.0
    """
    point = OperatingPoint(p_target, c_miss, c_fa)
    (target, target_weights), (nontarget, nontarget_weights) = by_kind(llrs, targets, weights)
    miss = np.average(target < point.threshold, weights=target_weights)
    return float(point.cost(miss, np.average(nontarget >= point.threshold, weights=nontarget_weights)))
