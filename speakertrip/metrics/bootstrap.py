"""How far an error rate could have come out otherwise: the bootstrap over speakers."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from speakertrip.metrics.det import DetCurve, corners
from speakertrip.metrics.error_rates import equal_error_rate
from speakertrip.metrics.llr import bits
from speakertrip.metrics.sorted_scores import SortedScores, sort_scores

REPLICATES = 1_000
LEVEL = 0.95
# With target trials. Drawn from few, the interval is too narrow (of a mean over ten it holds the truth in 90 % of
# the cases and not in 95 %, over five in 85 %), and drawn from one it is a point.
MIN_SPEAKERS = 10
ROUNDING = 1e-12  # rates that differ by less are equal

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Resample:
    """The trials as one draw of speakers weighs them.

    Attributes:
        scores: of targets and of nontargets, each in ascending order.
        target_weights: ``(targets,)``, how often each target trial counts.
        nontarget_weights: ``(nontargets,)``.
        missed: ``(targets + 1,)``, weight of the targets below each one, and of all.
        rejected: ``(nontargets + 1,)``, the same of nontargets.
        curve: their DET curve.
        target_bits: ``(targets,)``, what each costs in Cllr.
        nontarget_bits: ``(nontargets,)``.
    """

    scores: SortedScores
    target_weights: FloatArray
    nontarget_weights: FloatArray
    missed: FloatArray
    rejected: FloatArray
    curve: DetCurve
    target_bits: FloatArray
    nontarget_bits: FloatArray

    @property
    def cllr(self) -> float:
        """The cost of the scores as likelihood ratios, in bits; see ``speakertrip.metrics.cllr``."""
        on_targets = self.target_weights @ self.target_bits / self.missed[-1]
        return float(on_targets + self.nontarget_weights @ self.nontarget_bits / self.rejected[-1]) / 2

    def rates(self, threshold: float) -> tuple[float, float]:
        """Return the miss and false-alarm rates at a threshold."""
        missed = self.missed[np.searchsorted(self.scores.targets, threshold)]
        rejected = self.rejected[np.searchsorted(self.scores.nontargets, threshold)]
        return float(missed / self.missed[-1]), float(1 - rejected / self.rejected[-1])


Statistic = Callable[[Resample], float]


def bootstrap(
    scores: npt.ArrayLike,
    targets: npt.ArrayLike,
    enrollment_speakers: IntArray,
    test_speakers: IntArray,
    statistics: Mapping[str, Statistic],
    seed: int = 0,
    replicates: int = REPLICATES,
) -> dict[str, FloatArray]:
    """Compute statistics of the trials as if the speakers had been drawn anew, many times.

    Trials of one speaker are not independent, so whole speakers are resampled with replacement: with m(s) the
    number of times that speaker s is drawn, a target trial weighs m(s) and a nontarget trial m(s1)·m(s2)
    (after Poh and Bengio, IEEE TPAMI 29(3), 2007). Replicates that draw no target or no nontarget trial are
    drawn again. It draws speakers and nothing else: with fewer than ``MIN_SPEAKERS`` of them that have target trials
    what comes out varies too little.

    Args:
        scores: ``(trials,)``, finite.
        targets: bool ``(trials,)``.
        enrollment_speakers: int ``(trials,)``, the speaker of the enrollment side, from 0.
        test_speakers: int ``(trials,)``, the speaker of the test side.
        statistics: what to compute, by name.
        seed: of the draws.
        replicates: how many.

    Returns:
        Each statistic's values, ``(replicates,)``.

    Raises:
        ValueError: the lengths differ, a score is not finite, or targets or nontargets are missing.

    Examples:
        >>> scores, speakers = [0.9, 0.4, 0.7, 0.1, 0.2, 0.3], np.array([0, 1, 2, 0, 1, 2])
        >>> others = np.array([0, 1, 2, 1, 2, 0])
        >>> eer = {"eer": lambda resample: equal_error_rate(resample.curve)}
        >>> interval(bootstrap(scores, speakers == others, speakers, others, eer)["eer"])
        (0.0, 0.0)
    """
    system = _System(scores, targets)
    values: dict[str, list[float]] = {name: [] for name in statistics}
    for weights in system.draw(enrollment_speakers, test_speakers, seed, replicates):
        resample = system.weigh(weights)
        for name, statistic in statistics.items():
            values[name].append(statistic(resample))
    return {name: np.array(list_) for name, list_ in values.items()}


def interval(values: npt.NDArray[np.floating], level: float = LEVEL) -> tuple[float, float]:
    """Return the quantiles that leave out equally much at both ends, ``(low, high)``.

    >>> interval(np.arange(101), level=0.5)
    (25.0, 75.0)
    """
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def eer_interval(
    scores: npt.ArrayLike,
    targets: npt.ArrayLike,
    enrollment_speakers: IntArray,
    test_speakers: IntArray,
    seed: int = 0,
    replicates: int = REPLICATES,
) -> tuple[float, float]:
    """Return the 95 % interval of the EER when the speakers had been drawn anew; see ``bootstrap``."""
    eer = {"eer": lambda resample: equal_error_rate(resample.curve)}
    values = bootstrap(scores, targets, enrollment_speakers, test_speakers, eer, seed, replicates)
    return interval(values["eer"])


@dataclass(frozen=True, slots=True)
class PairedDifference:
    """How a statistic of one system differs from that of another, on the same trials.

    Attributes:
        difference: of the first from the second, on the trials as they are; below 0 where the first has less.
        interval: its 95 % interval, over the same draws of speakers for both.
        p_value: how often such draws would give a difference so far from 0, on either side, if there were none.
    """

    difference: float
    interval: tuple[float, float]
    p_value: float

    @property
    def real(self) -> bool:
        """Whether the interval leaves out 0: the difference is not for the choice of speakers alone."""
        return not self.interval[0] <= 0 <= self.interval[1]


def paired_differences(
    scores: npt.ArrayLike,
    other_scores: npt.ArrayLike,
    targets: npt.ArrayLike,
    enrollment_speakers: IntArray,
    test_speakers: IntArray,
    statistics: Mapping[str, Statistic],
    seed: int = 0,
    replicates: int = REPLICATES,
) -> dict[str, PairedDifference]:
    """Compare two systems on one trial list by drawing the same speakers for both; see ``bootstrap``.

    What makes a draw of speakers hard is hard for both systems and cancels: the interval of the difference is
    narrower than those of the two alone. The p-value is twice the smaller share of draws on either side of 0
    (Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 16).

    Args:
        scores: ``(trials,)`` of the first system.
        other_scores: ``(trials,)`` of the second.
        targets: bool ``(trials,)``.
        enrollment_speakers: int ``(trials,)``, from 0.
        test_speakers: int ``(trials,)``.
        statistics: what is compared, by name.
        seed: of the draws.
        replicates: how many.

    Raises:
        ValueError: the lengths differ, a score is not finite, or targets or nontargets are missing.

    Examples:
        >>> speakers, others = np.array([0, 1, 2, 0, 1, 2]), np.array([0, 1, 2, 1, 2, 0])
        >>> good, bad = [0.9, 0.8, 0.7, 0.1, 0.2, 0.3], [0.1, 0.2, 0.3, 0.9, 0.8, 0.7]
        >>> eer = {"eer": lambda resample: equal_error_rate(resample.curve)}
        >>> paired_differences(good, bad, speakers == others, speakers, others, eer)["eer"].difference
        -1.0
    """
    system, other = _System(scores, targets), _System(other_scores, targets)
    place = np.argsort(system.order)[other.order]  # of the second system's trials among the first's

    def differences(weights: FloatArray) -> list[float]:
        one, two = system.weigh(weights), other.weigh(weights[place])
        return [statistic(one) - statistic(two) for statistic in statistics.values()]

    draws = system.draw(enrollment_speakers, test_speakers, seed, replicates)
    drawn = np.array([differences(weights) for weights in draws])
    whole = differences(np.ones(len(place)))
    return {name: _paired(whole[i], drawn[:, i]) for i, name in enumerate(statistics)}


def _paired(difference: float, drawn: FloatArray) -> PairedDifference:
    drawn = np.where(np.abs(drawn) < ROUNDING, 0, drawn)
    tail = min(np.count_nonzero(drawn <= 0), np.count_nonzero(drawn >= 0))
    return PairedDifference(difference, interval(drawn), min(1.0, 2 * (tail + 1) / (len(drawn) + 1)))


class _System:
    """The scores of a system in order, targets first, to be weighed again and again."""

    def __init__(self, scores: npt.ArrayLike, targets: npt.ArrayLike) -> None:
        values, truth = np.asarray(scores, dtype=np.float64), np.asarray(targets, dtype=np.bool_)
        self.scores = sort_scores(values, truth)
        self.order = np.lexsort((values, ~truth))
        self.count = len(self.scores.targets)
        self.bits = bits(-self.scores.targets), bits(self.scores.nontargets)
        thresholds, missed, rejected = corners(self.scores)
        lowest = min(self.scores.targets[0], self.scores.nontargets[0])
        self.thresholds = np.concatenate([[lowest], thresholds, [np.inf]])
        self.missed = np.concatenate([[0], missed, [self.count]])
        self.rejected = np.concatenate([[0], rejected, [len(values) - self.count]])

    def weigh(self, weights: FloatArray) -> Resample:
        on_targets, on_nontargets = weights[: self.count], weights[self.count :]
        missed, rejected = (np.append(0.0, np.cumsum(kind)) for kind in (on_targets, on_nontargets))
        miss, false_alarm = missed[self.missed] / missed[-1], 1 - rejected[self.rejected] / rejected[-1]
        curve = DetCurve(miss, false_alarm, self.thresholds)
        return Resample(self.scores, on_targets, on_nontargets, missed, rejected, curve, *self.bits)

    def draw(self, first: IntArray, second: IntArray, seed: int, replicates: int) -> Iterator[FloatArray]:
        """Yield the weight of each trial, in order, in each draw of speakers."""
        rng = np.random.default_rng(seed)
        speakers = int(max(first.max(), second.max())) + 1
        one, other = first[self.order], second[self.order[self.count :]]
        done = 0
        while done < replicates:
            drawn = np.bincount(rng.integers(0, speakers, speakers), minlength=speakers).astype(np.float64)
            weights = drawn[one]
            weights[self.count :] *= drawn[other]
            if weights[: self.count].any() and weights[self.count :].any():
                done += 1
                yield weights
