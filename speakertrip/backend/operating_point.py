"""The operating point that a user chooses, and the threshold that it gives."""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, TypeAlias

import numpy as np
from pydantic import AfterValidator, Field

from speakertrip.config.frozen import Frozen, Probability, ordered
from speakertrip.errors import UsageError
from speakertrip.metrics import OperatingPoint

REFIT = "`speakertrip backend` makes such a bundle from this one, a trial list and its manifest"


@dataclass(frozen=True, slots=True)
class FalseAlarmRate:
    """How often a stranger may be accepted in one comparison.

    Attributes:
        rate: in (0, 1).

    Raises:
        ValueError: it is out of range.

    Example:
        >>> FalseAlarmRate(0.001)
        FalseAlarmRate(rate=0.001)
    """

    rate: float

    def __post_init__(self) -> None:
        if not 0 < self.rate < 1:
            raise ValueError(f"a false-alarm rate to choose lies in (0, 1), not at {self.rate}")


@dataclass(frozen=True, slots=True)
class GivenThreshold:
    """A threshold that was found elsewhere.

    Attributes:
        value: accept a score at or above it.

    Raises:
        ValueError: it is not a finite number, by which everybody or nobody would be accepted.
    """

    value: float

    def __post_init__(self) -> None:
        if not math.isfinite(self.value):
            raise ValueError(f"a threshold is a finite number, not {self.value}")


Choice: TypeAlias = FalseAlarmRate | OperatingPoint | GivenThreshold


@dataclass(frozen=True, slots=True)
class Threshold:
    """A threshold, and how often it is expected to err; None where the trials that are known do not say.

    Attributes:
        value: accept a score at or above it.
        false_alarm: rate of one comparison, a fraction.
        false_alarm_interval: its 95 % interval over speakers.
        miss: rate, a fraction.
    """

    value: float
    false_alarm: float | None = None
    false_alarm_interval: tuple[float, float] | None = None
    miss: float | None = None


class FalseAlarmPoint(Frozen):
    """A threshold at a false-alarm rate, as ``metrics.PointAtRate``, with an interval.

    Attributes:
        rate: that is not exceeded on the trials, in (0, 1).
        threshold: accept a score at or above it.
        false_alarm: share of the nontarget trials accepted there, at most ``rate``.
        interval: its 95 % interval by a bootstrap over speakers, at this threshold.
        miss: share of the target trials rejected there.
    """

    rate: float = Field(gt=0, lt=1)
    threshold: float
    false_alarm: float = Field(gt=0, le=1)
    interval: Annotated[tuple[Probability, Probability], AfterValidator(ordered)]
    miss: Probability


def _falling(points: tuple[FalseAlarmPoint, ...]) -> tuple[FalseAlarmPoint, ...]:
    for laxer, stricter in pairwise(points):
        if stricter.rate >= laxer.rate or stricter.threshold < laxer.threshold:
            raise ValueError("rates must fall and thresholds rise")
    if any(point.false_alarm > point.rate for point in points):
        raise ValueError("a threshold must not exceed its rate")
    return points


class FalseAlarmTable(Frozen):
    """The thresholds at a grid of false-alarm rates.

    Attributes:
        nontargets: trials that the rates were counted on.
        points: by falling rate, down to the lowest that so many trials can say.
    """

    nontargets: int = Field(ge=1)
    points: Annotated[tuple[FalseAlarmPoint, ...], Field(min_length=1), AfterValidator(_falling)]

    def stricter(self, rate: float) -> FalseAlarmPoint:
        """Return the point of the highest rate that is not above the one asked for.

        Between two points nothing is interpolated: what the scores do there is not known, and a threshold must not be
        laxer than was asked. The rates of the table are so close that the one taken is at least two thirds of it.

        Raises:
            UsageError: the rate is below the lowest.
        """
        for point in self.points:
            if point.rate <= rate:
                return point
        raise UsageError(
            f"The {self.nontargets:,} nontarget trials of this bundle say no threshold for a false-alarm rate of "
            f"{percent(rate)}; ask for {percent(self.points[-1].rate)} or more, or fit the bundle to more trials: "
            f"{REFIT}."
        )

    def at(self, threshold: float) -> Threshold:
        """Return how often a threshold is expected to err, by interpolation between its neighbours in the table.

        The logarithm of the rate is interpolated, and the rest as it is. Beyond the table nothing is known.
        """
        distinct = {point.threshold: point for point in self.points}
        points = list(distinct.values())
        if not points[0].threshold <= threshold <= points[-1].threshold:
            return Threshold(threshold)
        if threshold in distinct:
            point = distinct[threshold]
            return Threshold(threshold, point.false_alarm, point.interval, point.miss)

        def between(values: list[float]) -> float:
            return float(np.interp(threshold, list(distinct), values))

        return Threshold(
            threshold,
            math.exp(between([math.log(point.false_alarm) for point in points])),
            (between([p.interval[0] for p in points]), between([p.interval[1] for p in points])),
            between([point.miss for point in points]),
        )


def resolve(
    choice: Choice | None, default: float | None, table: FalseAlarmTable | None, calibrated: bool
) -> Threshold:
    """Return the threshold that a choice gives.

    Args:
        choice: a false-alarm rate, whose threshold is looked up; or a prior and costs, which give the Bayes threshold
            ``ln((1 - p)/p * c_fa/c_miss)`` of likelihood ratios; or a threshold; None: the default.
        default: threshold; needed where nothing is chosen.
        table: of false alarms, where there is one.
        calibrated: whether the scores are natural-log likelihood ratios.

    Raises:
        UsageError: a rate is asked for, and there is no table, or it does not reach so far; or a prior, and the
            scores are no likelihood ratios.

    Example:
        >>> round(resolve(OperatingPoint(0.01), 0.0, None, calibrated=True).value, 4)
        4.5951
    """
    if isinstance(choice, GivenThreshold):
        value = choice.value
    elif isinstance(choice, FalseAlarmRate):
        if table is None:
            raise UsageError(
                "This bundle knows no threshold for a false-alarm rate: it was made before they were kept, or on fewer "
                f"than 20 nontarget trials; {REFIT}."
            )
        value = table.stricter(choice.rate).threshold
    elif choice is not None:
        if not calibrated:
            raise UsageError(
                "A prior and costs give a threshold of likelihood ratios, and the scores of this bundle are none; "
                f"{REFIT}."
            )
        value = choice.threshold
    elif default is not None:
        value = default
    else:
        raise ValueError("there is neither a choice nor a default")
    return table.at(value) if table else Threshold(value)


def percent(rate: float) -> str:
    """Say a rate in percent, in as few digits as tell it.

    >>> percent(0.0015), percent(0.5), percent(7e-07)
    ('0.15 %', '50 %', '0.00007 %')
    """
    return f"{np.format_float_positional(float(f'{100 * rate:.10g}'), trim='-')} %"
