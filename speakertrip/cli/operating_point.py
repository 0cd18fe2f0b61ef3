"""Options that choose the operating point, and what is said of the one that was chosen."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from speakertrip.cli.gathering import Verb, gathered
from speakertrip.cli.numbers import Cost, Finite, Prior, Rate
from speakertrip.errors import UsageError, counted

if TYPE_CHECKING:
    from speakertrip.backend import Choice, Threshold


@dataclass(frozen=True, slots=True)
class PointOptions:
    """What the options of an operating point say; None: nothing.

    Attributes:
        threshold: of ``--threshold``.
        far: of ``--far``, a rate.
        p_target: of ``--p-target``.
        c_miss: of ``--c-miss``.
        c_fa: of ``--c-fa``.

    Raises:
        UsageError: they contradict each other.
    """

    threshold: float | None
    far: float | None
    p_target: float | None
    c_miss: float | None
    c_fa: float | None

    def __post_init__(self) -> None:
        if sum(each is not None for each in (self.threshold, self.far, self.p_target)) > 1:
            raise UsageError("--threshold, --far and --p-target exclude each other: each says it by itself.")
        if self.p_target is None and (self.c_miss is not None or self.c_fa is not None):
            raise UsageError("--c-miss and --c-fa are the costs at a prior; give it by --p-target.")

    def chosen(self) -> "Choice | None":
        """Return the operating point; None where there are no such options."""
        from speakertrip.backend import FalseAlarmRate, GivenThreshold
        from speakertrip.metrics import OperatingPoint

        if self.threshold is not None:
            return GivenThreshold(self.threshold)
        if self.far is not None:
            return FalseAlarmRate(self.far)
        if self.p_target is None:
            return None
        miss, false_alarm = (1.0 if cost is None else cost for cost in (self.c_miss, self.c_fa))
        return OperatingPoint(self.p_target, miss, false_alarm)


def operating_point_options(verb: Verb) -> Verb:
    """Add ``--threshold``, ``--far``, ``--p-target``, ``--c-miss`` and ``--c-fa``, as ``point``."""
    given = click.option("--threshold", type=Finite(), metavar="SCORE", help="Accept at or above it.")
    far = click.option(
        "--far", type=Rate(), help="False-alarm rate of one comparison not to be exceeded, as 0.1% or 0.001."
    )
    prior = click.option(
        "--p-target", type=Prior(), metavar="P",
        help="How likely, before it is heard, a probe is of the speaker that it is compared with; gives the threshold "
        "of least cost, ln((1-P)/P * C_FA/C_MISS), of a model whose scores are LLRs.",
    )  # fmt: skip
    miss = click.option(
        "--c-miss", type=Cost(), metavar="COST", help="Of a miss, with --p-target  [default: 1]"
    )
    false_alarm = click.option(
        "--c-fa", type=Cost(), metavar="COST", help="Of a false alarm, with --p-target  [default: 1]"
    )
    return given(far(prior(miss(false_alarm(gathered(PointOptions, "point")(verb))))))


def expected(threshold: "Threshold") -> dict[str, object]:
    """Return the expected error rates of one comparison, for JSON; null where they are not known."""
    return {
        "false_alarm_rate": threshold.false_alarm,
        "false_alarm_interval": threshold.false_alarm_interval,
        "miss_rate": threshold.miss,
    }


def expected_among(threshold: "Threshold", profiles: int) -> dict[str, object]:
    """Return the same, and the chance that a stranger is taken for one of so many speakers."""
    from speakertrip.metrics import any_false_alarm

    ends, rate = threshold.false_alarm_interval, threshold.false_alarm
    return {
        **expected(threshold),
        "false_identification_rate": None if rate is None else any_false_alarm(rate, profiles),
        "false_identification_interval": ends and [any_false_alarm(end, profiles) for end in ends],
    }


def errors_in_words(threshold: "Threshold") -> str | None:
    """Say how often one comparison is expected to err; None where it is not known."""
    if threshold.false_alarm is None or threshold.miss is None:
        return None
    from speakertrip.backend import percent

    false_alarm, miss = (percent(float(f"{rate:.2g}")) for rate in (threshold.false_alarm, threshold.miss))
    return (
        f"Expect {false_alarm} of strangers to be accepted and {miss} of speakers to be rejected, if voices and "
        "channels are as those that the threshold was found on; --far changes it."
    )


def strangers_in_words(threshold: "Threshold", profiles: int) -> str | None:
    """Say how often a stranger is taken for one of so many speakers; None where it is not known."""
    if threshold.false_alarm is None:
        return None
    from speakertrip.backend import percent
    from speakertrip.metrics import any_false_alarm

    who = "the one speaker enrolled" if profiles == 1 else f"one of {counted(profiles, 'speaker')}"
    one, any_ = threshold.false_alarm, any_false_alarm(threshold.false_alarm, profiles)
    return (
        f"Expect up to {percent(float(f'{any_:.2g}'))} of strangers to be taken for {who} "
        f"({percent(float(f'{one:.2g}'))} in each comparison; --far changes it)."
    )
