"""How often a model errs with little speech."""

import math
from itertools import pairwise
from typing import Annotated

import numpy as np
import numpy.typing as npt
from pydantic import AfterValidator, Field

from speakertrip.backend import percent
from speakertrip.config import Frozen
from speakertrip.config.frozen import Probability, ordered
from speakertrip.metrics import (
    MIN_SPEAKERS,
    Resample,
    Statistic,
    bootstrap,
    det_curve,
    equal_error_rate,
    interval,
)

Interval = Annotated[tuple[Probability, Probability], AfterValidator(ordered)]


class Rate(Frozen):
    """A rate of errors.

    Attributes:
        value: a fraction.
        interval: its 95 % interval by a bootstrap over speakers.
    """

    value: Probability
    interval: Interval

    def __str__(self) -> str:
        """Say it in percent, in two digits.

        >>> str(Rate(value=0.3089, interval=(0.2419, 0.38)))
        '31 % [24, 38]'
        """
        low, high = (percent(_two_digits(end))[:-2] for end in self.interval)
        return f"{percent(_two_digits(self.value))} [{low}, {high}]"


class LengthErrors(Frozen):
    """The errors on trials of two utterances that were cut to so much speech.

    Attributes:
        seconds: of speech in each utterance.
        eer: equal error rate.
        miss: share of the target trials below the threshold of whole utterances.
        false_alarm: share of the nontarget trials at or above it.
        trials: how many, of which ``targets`` are target trials, of ``target_speakers`` speakers.
    """

    seconds: float = Field(gt=0)
    eer: Rate
    miss: Rate
    false_alarm: Rate
    trials: int = Field(ge=2)
    targets: int = Field(ge=1)
    target_speakers: int = Field(ge=1)

    @classmethod
    def of(
        cls,
        seconds: float,
        scores: npt.NDArray[np.floating],
        targets: npt.NDArray[np.bool_],
        enrollment_speakers: npt.NDArray[np.int64],
        test_speakers: npt.NDArray[np.int64],
        threshold: float,
    ) -> "LengthErrors | None":
        """Count the errors; None where fewer than 10 speakers have target trials, of whom an interval says little.

        Args:
            seconds: of speech.
            scores: ``(trials,)``, finite.
            targets: ``(trials,)``.
            enrollment_speakers: ``(trials,)``, the speaker of the enrollment side, from 0.
            test_speakers: ``(trials,)``, the speaker of the test side.
            threshold: of whole utterances.

        Raises:
            ValueError: the lengths differ, a score is not finite, or targets or nontargets are missing.
        """
        target_speakers = len(np.unique(enrollment_speakers[targets]))
        if target_speakers < MIN_SPEAKERS:
            return None
        statistics: dict[str, Statistic] = {
            "eer": _eer,
            "miss": _rate(0, threshold),
            "fa": _rate(1, threshold),
        }
        drawn = bootstrap(scores, targets, enrollment_speakers, test_speakers, statistics)
        accepted = np.asarray(scores, np.float64) >= threshold

        def rate(name: str, value: float) -> Rate:
            return Rate(value=value, interval=interval(np.clip(drawn[name], 0, 1)))

        return cls(
            seconds=seconds,
            eer=rate("eer", equal_error_rate(det_curve(scores, targets))),
            miss=rate("miss", float(np.mean(~accepted[targets]))),
            false_alarm=rate("fa", float(np.mean(accepted[~targets]))),
            trials=len(targets),
            targets=int(np.count_nonzero(targets)),
            target_speakers=target_speakers,
        )


def _longer(rows: tuple[LengthErrors, ...]) -> tuple[LengthErrors, ...]:
    if any(longer.seconds <= shorter.seconds for shorter, longer in pairwise(rows)):
        raise ValueError("lengths must rise")
    return rows


class LengthTable(Frozen):
    """The errors at some lengths of speech.

    Attributes:
        rows: by rising length.
    """

    rows: Annotated[tuple[LengthErrors, ...], Field(min_length=1), AfterValidator(_longer)]

    def near(self, seconds: float) -> LengthErrors | None:
        """Return the row of the length that is nearest to so much speech, by the ratio of both.

        Args:
            seconds: of speech, positive.

        Returns:
            The row; of two equally near ones that of less speech. None where there is as much as the longest has.
        """
        if seconds >= self.rows[-1].seconds:
            return None
        return min(self.rows, key=lambda row: abs(math.log(row.seconds / seconds)))

    def card(self) -> str:
        """Return the rows as a table of Markdown."""
        rows = "".join(
            f"| {row.seconds:g} s | {row.eer} | {row.miss} | {row.false_alarm} | {row.trials:,} ({row.targets:,}) | "
            f"{row.target_speakers:,} |\n"
            for row in self.rows
        )
        return (
            "| speech on each side | EER | misses | false alarms | trials (target) | speakers in target trials |\n"
            f"|---|---|---|---|---|---|\n{rows}\n"
            "Utterances were cut to their middle of so much speech (energy detector), and trials of those with less "
            "left out,\nso that each line has trials of its own. Misses and false alarms are at the threshold of whole "
            "utterances, with\n95 % intervals over speakers.\n"
        )


def _two_digits(rate: float) -> float:
    return float(f"{rate:.2g}")


def _eer(resample: Resample) -> float:
    return equal_error_rate(resample.curve)


def _rate(which: int, threshold: float) -> Statistic:
    return lambda resample: resample.rates(threshold)[which]
