"""How far an error rate could have come out otherwise: the bootstrap over speakers."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

REPLICATES = 1_000
LEVEL = 0.95
# With target trials. Drawn from few, the interval is too narrow (of a mean over ten it holds the truth in 90 % of
# the cases and not in 95 %, over five in 85 %), and drawn from one it is a point.
MIN_SPEAKERS = 10


def eer_interval(
    scores: npt.ArrayLike,
    targets: npt.ArrayLike,
    enrollment_speakers: npt.NDArray[np.int64],
    test_speakers: npt.NDArray[np.int64],
    seed: int = 0,
    replicates: int = REPLICATES,
) -> tuple[float, float]:
    """Return the 95 % interval of the EER when the speakers had been drawn anew.

    Trials of one speaker are not independent, so whole speakers are resampled with replacement: with m(s) the
    number of times that speaker s is drawn, a target trial weighs m(s) and a nontarget trial m(s1)·m(s2)
    (after Poh and Bengio, IEEE TPAMI 29(3), 2007). Replicates that draw no target or no nontarget trial are
    drawn again. It draws speakers and nothing else: with fewer than ``MIN_SPEAKERS`` of them that have target trials
    the interval is too narrow.

    Args:
        scores: ``(trials,)``, finite.
        targets: bool ``(trials,)``.
        enrollment_speakers: int ``(trials,)``, the speaker of the enrollment side, from 0.
        test_speakers: int ``(trials,)``, the speaker of the test side.
        seed: of the draws.
        replicates: how many.

    Returns:
        ``(low, high)``, fractions: the 2.5 % and 97.5 % quantiles over the replicates.

    Raises:
        ValueError: targets or nontargets are missing.
    """
    values = np.asarray(scores, dtype=np.float64)
    truth = np.asarray(targets, dtype=np.bool_)
    if not truth.any() or truth.all():
        raise ValueError("an error rate needs at least one target and one nontarget trial")
    order = np.argsort(values)
    ends = np.flatnonzero(np.append(np.diff(values[order]) > 0, True))  # last trial of each distinct score
    first, second, truth = enrollment_speakers[order], test_speakers[order], truth[order]
    counts = _draw_speakers(int(max(first.max(), second.max())) + 1, np.random.default_rng(seed))
    rates: list[float] = []
    for drawn in counts:
        target_mass = np.cumsum(np.where(truth, drawn[first], 0))[ends]
        nontarget_mass = np.cumsum(np.where(truth, 0, drawn[first] * drawn[second]))[ends]
        if target_mass[-1] and nontarget_mass[-1]:
            rates.append(_crossing(target_mass / target_mass[-1], 1 - nontarget_mass / nontarget_mass[-1]))
        if len(rates) == replicates:
            break
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(rates, [tail, 1 - tail])
    return float(low), float(high)


def _draw_speakers(speakers: int, rng: np.random.Generator) -> Iterator[npt.NDArray[np.int64]]:
    while True:
        yield np.bincount(rng.integers(0, speakers, speakers), minlength=speakers)


def _crossing(miss: npt.NDArray[np.float64], false_alarm: npt.NDArray[np.float64]) -> float:
    """EER of curves that rise to 1 and fall to 0 and begin, unsaid, at miss 0 and false alarm 1."""
    after = int(np.argmax(miss >= false_alarm))
    miss_0, false_alarm_0 = (miss[after - 1], false_alarm[after - 1]) if after else (0.0, 1.0)
    rise, fall = miss[after] - miss_0, false_alarm_0 - false_alarm[after]
    return float(miss_0 + rise * (false_alarm_0 - miss_0) / (rise + fall))
