"""Thresholds at given false-alarm rates, as far down as the trials can say; and what such a rate means among many."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from speakertrip.metrics.sorted_scores import Scores, sort_scores

# Half of all nontargets is no choice of a user; the laxer rates are there to tell what other thresholds would do.
HIGHEST = 0.5
STEPS = (
    1,
    1.5,
    2,
    3,
    4,
    5,
    7,
)  # of each decade: every usual rate, and no two neighbours differ by more than 1.5 x
RATES = tuple(
    sorted(
        (rate for decade in range(1, 8) for step in STEPS if (rate := float(f"{step}e-{decade}")) <= HIGHEST),
        reverse=True,
    )
)
# False alarms that a rate is counted on, at least. Of ten independent ones the 95 % interval of the rate reaches from
# 0.48 to 1.84 times what is counted (Garwood, Biometrika 28, 1936): about a factor of two. The "rule of 30"
# (Doddington et al., Speech Communication 31, 2000) asks for three times as many: then the rate is within 30 % at 90 %
# confidence. Trials of the same speakers say less than independent ones: see the interval over speakers of each rate.
FEWEST = 10


@dataclass(frozen=True, slots=True)
class PointAtRate:
    """A threshold at a false-alarm rate.

    Attributes:
        rate: that must not be exceeded, in (0, 1).
        threshold: accept a score at or above it.
        false_alarm: share of the nontarget trials accepted there, at most ``rate``.
        miss: share of the target trials rejected there.
    """

    rate: float
    threshold: float
    false_alarm: float
    miss: float


def points_at_rates(scores: npt.ArrayLike, targets: npt.ArrayLike) -> list[PointAtRate]:
    """Find for each rate of ``RATES`` the threshold of the fewest misses whose false-alarm rate is no higher.

    It lies in the middle between the nontarget scores that bracket it, so that it does not hang on the digits of one
    trial. Rates at which fewer than ``FEWEST`` nontarget trials are accepted are left out.

    Args:
        scores: ``(trials,)``, finite; higher for the same speaker.
        targets: bool ``(trials,)``.

    Returns:
        By falling rate and rising threshold; none where there are too few nontarget trials.

    Raises:
        ValueError: the lengths differ, a score is not finite, or targets or nontargets are missing.

    Examples:
        >>> scores, targets = np.append(np.arange(40.0), [32.0, 50.0]), np.arange(42) >= 40
        >>> points_at_rates(scores, targets)[-1]
        PointAtRate(rate=0.3, threshold=27.5, false_alarm=0.3, miss=0.0)
    """
    ordered = sort_scores(scores, targets)
    found: list[PointAtRate] = []
    for rate in RATES:
        threshold = _threshold(ordered.nontargets, rate)
        if threshold is None:
            break
        miss, false_alarm = (float(share[0]) for share in ordered.rates(np.array([threshold])))
        found.append(PointAtRate(rate, threshold, false_alarm, miss))
    return found


def any_false_alarm(rate: float, comparisons: int) -> float:
    """Return the chance of one false alarm or more in several comparisons: ``1 - (1 - rate)^comparisons``.

    It holds where the comparisons are independent. Those of one probe with many speakers hang together (a voice that
    is like one of them is rather like others as well), which makes it an upper estimate of how often a stranger is
    taken for one of them: the false-positive identification rate of ISO/IEC 19795-1. However they hang together, that
    is never above ``rate * comparisons``.

    Args:
        rate: of one comparison, in [0, 1].
        comparisons: how many.

    Examples:
        >>> round(any_false_alarm(0.001, 1000), 4)
        0.6323
    """
    return 1.0 if rate >= 1 else float(-np.expm1(comparisons * np.log1p(-rate)))


def _threshold(nontargets: Scores, rate: float) -> float | None:
    """Return the lowest threshold that accepts at most this share of ascending scores; None: it accepts too few."""
    count = len(nontargets)
    most = int(rate * count)
    most += (most + 1) / count <= rate  # the product may have been rounded down
    most -= most / count > rate
    rejected = float(nontargets[count - most - 1])  # the highest, with all that tie with it
    first = int(np.searchsorted(nontargets, rejected, side="right"))
    if count - first < FEWEST:
        return None
    accepted = float(nontargets[first])
    middle = rejected + (accepted - rejected) / 2
    return middle if middle > rejected else accepted
