"""The error rates of scores on a trial list, each with its interval."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from speakertrip.errors import DataError, counted
from speakertrip.evaluation.checks import check_trials
from speakertrip.manifests import Trials
from speakertrip.metrics import (
    REPLICATES,
    OperatingPoint,
    Statistic,
    act_dcf,
    bootstrap,
    cllr,
    convex_hull_eer,
    det_curve,
    equal_error_rate,
    interval,
    min_cllr,
    min_dcf,
)

P_TARGETS = (0.01, 0.05)  # always both: values at the two differ by a factor of 1.5 to 2
LARGEST = 1e30  # of a score, in size: the sums of squares of larger ones overflow
Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Report:
    """Error rates of a system on a trial list; all rates are fractions, all costs normalised, Cllr in bits.

    ``act_dcf`` and ``cllr`` take the scores for natural-log likelihood ratios; of raw cosines they only say how far
    from calibrated these are. The intervals are of 95 %, by a bootstrap over speakers.

    Attributes:
        trials: how many, of which ``targets`` are target trials.
        speakers: how many on both sides.
        target_speakers: how many of them have target trials.
        speakers_from: "manifest", or "target trials" where ids that these join count as one speaker.
        eer: equal error rate by the VoxSRC rule.
        eer_interval: its interval.
        eer_convex_hull: equal error rate on the convex hull of the ROC.
        min_dcf: by target prior, with unit costs.
        act_dcf: the same, at the Bayes threshold.
        cllr: cost of the scores as likelihood ratios.
        min_cllr: the same after the best monotone calibration.
        intervals: of the other rates, by name: "min_dcf(0.01)", "act_dcf(0.01)", ..., "cllr", "min_cllr".
    """

    trials: int
    targets: int
    speakers: int
    target_speakers: int
    speakers_from: str
    eer: float
    eer_interval: Interval
    eer_convex_hull: float
    min_dcf: Mapping[float, float]
    act_dcf: Mapping[float, float]
    cllr: float
    min_cllr: float
    intervals: Mapping[str, Interval]

    def to_json(self) -> dict[str, Any]:
        """Return the report as JSON types."""
        return {
            "trials": self.trials,
            "targets": self.targets,
            "speakers": self.speakers,
            "target_speakers": self.target_speakers,
            "speakers_from": self.speakers_from,
            "eer": self.eer,
            "eer_interval": list(self.eer_interval),
            "eer_convex_hull": self.eer_convex_hull,
            "min_dcf": {f"{p:g}": cost for p, cost in self.min_dcf.items()},
            "act_dcf": {f"{p:g}": cost for p, cost in self.act_dcf.items()},
            "cllr": self.cllr,
            "min_cllr": self.min_cllr,
            "intervals": {name: list(ends) for name, ends in self.intervals.items()},
        }


def report(
    trials: Trials,
    scores: npt.ArrayLike,
    speakers: Mapping[str, str] | None = None,
    p_targets: Sequence[float] = P_TARGETS,
    replicates: int = REPLICATES,
) -> Report:
    """Compute the error rates of scores on a trial list.

    Args:
        trials: the pairs and their truth.
        scores: ``(trials,)``, finite, higher for the same speaker.
        speakers: the speaker of each id; None: ids that target trials join count as one speaker.
        p_targets: where minDCF and actDCF are computed.
        replicates: of the bootstrap; its time grows with them and with the trials.

    Raises:
        DataError: targets or nontargets are missing, a score is not finite, or a label contradicts the speakers.
    """
    first, second, count = check_trials(trials, speakers)
    values = require_scores(trials, scores)
    curve = det_curve(values, trials.targets)
    drawn = bootstrap(values, trials.targets, first, second, statistics(p_targets), 0, replicates)
    intervals = {name: interval(found) for name, found in drawn.items()}
    return Report(
        trials=len(trials),
        targets=int(trials.targets.sum()),
        speakers=count,
        target_speakers=len(np.unique(first[trials.targets])),
        speakers_from="target trials" if speakers is None else "manifest",
        eer=equal_error_rate(curve),
        eer_interval=intervals.pop("eer"),
        eer_convex_hull=convex_hull_eer(curve),
        min_dcf={p: min_dcf(curve, p) for p in p_targets},
        act_dcf={p: act_dcf(values, trials.targets, p) for p in p_targets},
        cllr=cllr(values, trials.targets),
        min_cllr=min_cllr(curve),
        intervals=intervals,
    )


def require_scores(trials: Trials, scores: npt.ArrayLike) -> npt.NDArray[np.floating]:
    """Return the scores as an array, float32 or float64.

    Raises:
        DataError: there are not as many as trials, or one is not finite or beyond ``LARGEST``.
    """
    values = np.asarray(scores)
    if values.shape != (len(trials),):
        raise DataError(f"There are {len(trials)} trials but {values.shape} scores.")
    broken = np.flatnonzero(~(np.abs(values) <= LARGEST))
    if len(broken):
        what = f"the score {values[broken[0]]:g} is not finite or beyond {LARGEST:g}"
        raise DataError(f"{trials.where(int(broken[0]))}: {what} ({counted(len(broken), 'such trial')}).")
    return values


def statistics(p_targets: Sequence[float] = P_TARGETS) -> dict[str, Statistic]:
    """Return what intervals are given for, by name."""

    def lowest(point: OperatingPoint) -> Statistic:
        return lambda resample: min_dcf(resample.curve, point.p_target)

    def actual(point: OperatingPoint) -> Statistic:
        return lambda resample: float(point.cost(*resample.rates(point.threshold)))

    found: dict[str, Statistic] = {"eer": lambda resample: equal_error_rate(resample.curve)}
    for p in p_targets:
        point = OperatingPoint(p)
        found[f"min_dcf({p:g})"], found[f"act_dcf({p:g})"] = lowest(point), actual(point)
    found["cllr"] = lambda resample: resample.cllr
    found["min_cllr"] = lambda resample: min_cllr(resample.curve)
    return found
