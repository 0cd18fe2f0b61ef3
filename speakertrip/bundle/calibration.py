"""The threshold of a bundle, and how often it and others err on the trials that it was found on."""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
from pydantic import Field

from speakertrip.backend import FalseAlarmPoint, FalseAlarmTable, percent
from speakertrip.bundle.lengths import LengthErrors, LengthTable
from speakertrip.config import Frozen
from speakertrip.metrics import (
    PointAtRate,
    Statistic,
    bootstrap,
    det_curve,
    equal_error_rate,
    interval,
    points_at_rates,
    threshold_at_eer,
)

IN_CARD = (0.1, 0.05, 0.01, 0.005, 0.001, 0.0001)  # rates that a model card shows; the file has them all


class Calibration(Frozen):
    """The threshold, and the trials that it was found on: speakers held out of training.

    Attributes:
        threshold: accept a score of the backend at or above it.
        eer: equal error rate at that threshold, a fraction.
        eer_interval: its 95 % interval by a bootstrap over speakers.
        trials: how many trials, of which ``targets`` are target trials, of ``speakers`` speakers.
        held_out: hash of the names of the speakers that were held out of the training; empty where that is not known.
        false_alarms: thresholds at other false-alarm rates; None of a bundle that was made before they were kept, or
            on too few trials to say any.
        lengths: errors with little speech; None where they were not measured.
    """

    threshold: float
    eer: float = Field(ge=0, le=1)
    eer_interval: tuple[float, float] | None = None
    trials: int = Field(ge=2)
    targets: int = Field(ge=1)
    speakers: int = Field(ge=2)
    held_out: str = ""
    false_alarms: FalseAlarmTable | None = None
    lengths: LengthTable | None = None

    @classmethod
    def of(
        cls,
        scores: npt.NDArray[np.floating],
        targets: npt.NDArray[np.bool_],
        enrollment_speakers: npt.NDArray[np.int64],
        test_speakers: npt.NDArray[np.int64],
        held_out: str = "",
    ) -> "Calibration":
        """Find the threshold at the equal error rate and those at other rates, with their intervals.

        Args:
            scores: ``(trials,)``, finite, as the backend gives them.
            targets: ``(trials,)``.
            enrollment_speakers: ``(trials,)``, the speaker of the enrollment side, from 0.
            test_speakers: ``(trials,)``, the speaker of the test side.
            held_out: kept as it is.

        Raises:
            ValueError: the lengths differ, a score is not finite, or targets or nontargets are missing.
        """
        curve = det_curve(scores, targets)
        points = points_at_rates(scores, targets)
        statistics: dict[str, Statistic] = {"eer": lambda resample: equal_error_rate(resample.curve)}
        statistics |= {str(point.rate): _false_alarm_at(point.threshold) for point in points}
        drawn = bootstrap(scores, targets, enrollment_speakers, test_speakers, statistics)
        count = int(np.count_nonzero(targets))
        return cls(
            threshold=threshold_at_eer(curve),
            eer=equal_error_rate(curve),
            eer_interval=interval(drawn["eer"]),
            trials=len(targets),
            targets=count,
            speakers=len(np.union1d(enrollment_speakers, test_speakers)),
            held_out=held_out,
            false_alarms=FalseAlarmTable(
                nontargets=len(targets) - count,
                points=tuple(_with_interval(point, drawn[str(point.rate)]) for point in points),
            )
            if points
            else None,
        )

    def with_lengths(self, rows: Iterable[LengthErrors | None]) -> "Calibration":
        """Return the same with the errors at some lengths, ascending; those that are None are left out."""
        known = tuple(row for row in rows if row is not None)
        return self.model_copy(update={"lengths": LengthTable(rows=known) if known else None})

    def card(self) -> str:
        """Return what is known of errors as tables of Markdown: at some false-alarm rates, and with little speech."""
        tables = [self._false_alarm_card(), self.lengths.card() if self.lengths else ""]
        return "\n".join(table for table in tables if table)

    def _false_alarm_card(self) -> str:
        if self.false_alarms is None:
            return ""
        shown = [point for point in self.false_alarms.points if point.rate in IN_CARD]
        if self.false_alarms.points[-1] not in shown:
            shown.append(self.false_alarms.points[-1])
        rows = "".join(
            f"| {percent(p.rate)} | {p.threshold:.4f} | [{100 * p.interval[0]:.2g}, {100 * p.interval[1]:.2g}] % | "
            f"{100 * p.miss:.1f} % |\n"
            for p in shown
        )
        return (
            "| false alarms, at most | threshold | 95 % interval over speakers | misses |\n|---|---|---|---|\n"
            f"{rows}\nThese are rates of one comparison, on {self.false_alarms.nontargets} nontarget trials, which "
            f"say none below {percent(self.false_alarms.points[-1].rate)}.\n`--far` of `speakertrip verify` and "
            "`identify` chooses by them.\n"
        )


def _false_alarm_at(threshold: float) -> Statistic:
    return lambda resample: resample.rates(threshold)[1]


def _with_interval(point: PointAtRate, drawn: npt.NDArray[np.float64]) -> FalseAlarmPoint:
    return FalseAlarmPoint(
        rate=point.rate,
        threshold=point.threshold,
        false_alarm=point.false_alarm,
        interval=interval(drawn),
        miss=point.miss,
    )
