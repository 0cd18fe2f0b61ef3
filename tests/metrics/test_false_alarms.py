from decimal import Decimal
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakertrip.metrics import any_false_alarm, points_at_rates
from speakertrip.metrics.false_alarms import FEWEST, HIGHEST, RATES


def points_by_hand(scores, targets):
    """For each rate of the grid, try every threshold, from the laxest: the counts are integers, nothing is sorted."""
    nontargets = [score for score, target in zip(scores, targets, strict=True) if not target]
    found = []
    for rate in RATES:
        allowed = [
            accepted
            for threshold in {*nontargets, np.inf}
            if (accepted := sum(score >= threshold for score in nontargets))
            <= Decimal(str(rate)) * len(nontargets)
        ]
        if max(allowed) < FEWEST:
            break
        found.append((rate, max(allowed)))
    return found


@st.composite
def many_nontargets(draw):
    """Some hundred nontarget scores, of many ties or none, as float32 or float64, and a few targets."""
    count = draw(st.integers(1, 300))
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    scores = rng.normal(size=count + 5).round(draw(st.sampled_from([0, 1, 9])))
    kind = draw(st.sampled_from([np.float32, np.float64]))
    return (scores / draw(st.sampled_from([1, 1e6]))).astype(kind), np.arange(count + 5) >= count


@given(many_nontargets())
def test_agrees_with_a_plain_loop(trials):
    scores, targets = trials
    found = points_at_rates(scores, targets)
    nontargets = int((~targets).sum())
    counted = [(point.rate, round(point.false_alarm * nontargets)) for point in found]
    assert counted == points_by_hand(scores.tolist(), targets.tolist())


@given(many_nontargets())
def test_a_threshold_keeps_its_rate_and_thresholds_rise(trials):
    scores, targets = trials
    found = points_at_rates(scores, targets)
    for point in found:
        accepted = [float(score) >= point.threshold for score in scores]
        assert np.mean(np.array(accepted)[~targets]) == point.false_alarm <= point.rate
        assert 1 - np.mean(np.array(accepted)[targets]) == pytest.approx(point.miss)
        assert np.count_nonzero(np.array(accepted)[~targets]) >= FEWEST
    for laxer, stricter in pairwise(found):
        assert stricter.rate < laxer.rate
        assert stricter.threshold >= laxer.threshold
        assert stricter.false_alarm <= laxer.false_alarm
        assert stricter.miss >= laxer.miss


def test_neighbours_in_float32_are_told_apart():
    low = np.float32(0.3)
    high = np.nextafter(low, np.float32(1))
    scores = np.array([low] * 30 + [high] * 10 + [1.0], dtype=np.float32)
    last = points_at_rates(scores, np.arange(41) == 40)[-1]
    assert (last.rate, last.false_alarm) == (0.3, 0.25)
    assert float(low) < last.threshold <= float(high)
    wide = np.array([0.1] * 30 + [np.nextafter(0.1, 1)] * 10 + [1.0])
    assert points_at_rates(wide, np.arange(41) == 40)[-1].threshold == np.nextafter(0.1, 1)


@pytest.mark.parametrize(("nontargets", "lowest"), [(19, None), (20, 0.5), (1000, 0.01), (20_000, 0.0005)])
def test_goes_as_far_down_as_ten_false_alarms(nontargets, lowest):
    scores = np.append(np.arange(nontargets), nontargets / 2)
    found = points_at_rates(scores, np.arange(nontargets + 1) == nontargets)
    assert (found[-1].rate if found else None) == lowest


def test_the_grid_holds_every_usual_rate_in_small_steps():
    for percent in (50, 20, 10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01):
        assert float(Decimal(str(percent)) / 100) in RATES
    assert RATES[0] == HIGHEST
    assert max(laxer / stricter for laxer, stricter in pairwise(RATES)) == pytest.approx(1.5)


@given(st.floats(0, 1), st.integers(1, 2_000))
def test_one_false_alarm_among_many(rate, comparisons):
    assert any_false_alarm(rate, 1) == pytest.approx(rate)
    chance = any_false_alarm(rate, comparisons)
    assert chance == pytest.approx(1 - (1 - rate) ** comparisons, abs=1e-12)
    assert 0 <= chance <= min(1, rate * comparisons) + 1e-12
