import math

import numpy as np
import pytest
from drawn_trials import scored_trials
from hypothesis import given
from hypothesis import strategies as st

from speakertrip.metrics import OperatingPoint, act_dcf, det_curve, mean_min_dcf, min_dcf

points = st.builds(
    OperatingPoint, st.sampled_from([0.001, 0.01, 0.05, 0.5, 0.9]), st.sampled_from([1.0, 10.0]), st.just(1.0)
)


@given(scored_trials(largest=6.0, step=0.5), points)
def test_act_dcf_agrees_with_a_plain_loop_and_is_never_below_the_lowest(trials, point):
    scores, targets = trials
    errors = {"miss": 0, "false alarm": 0}
    for score, target in zip(scores, targets, strict=True):
        accepted = score >= math.log((1 - point.p_target) / point.p_target * point.c_fa / point.c_miss)
        errors["miss"] += target and not accepted
        errors["false alarm"] += accepted and not target
    cost = point.c_miss * point.p_target * errors["miss"] / targets.sum()
    cost += point.c_fa * (1 - point.p_target) * errors["false alarm"] / (~targets).sum()
    cost /= min(point.c_miss * point.p_target, point.c_fa * (1 - point.p_target))
    ours = act_dcf(scores, targets, point.p_target, point.c_miss, point.c_fa)
    assert ours == pytest.approx(cost)
    assert ours >= min_dcf(det_curve(scores, targets), point.p_target, point.c_miss, point.c_fa) - 1e-12


@given(scored_trials(largest=6.0, step=0.5), st.integers(0, 2**31))
def test_a_weight_counts_as_repetition(trials, seed):
    scores, targets = trials
    weights = np.random.default_rng(seed).integers(0, 4, len(scores))
    weights[:2] = 1
    repeated = act_dcf(np.repeat(scores, weights), np.repeat(targets, weights), 0.05)
    assert act_dcf(scores, targets, 0.05, weights=weights) == pytest.approx(repeated)


def test_the_mean_over_operating_points():
    rng = np.random.default_rng(0)
    targets = rng.random(500) < 0.3
    curve = det_curve(rng.normal(size=500) + 2 * targets, targets)
    expected = (min_dcf(curve, 0.01) + min_dcf(curve, 0.005)) / 2
    assert mean_min_dcf(curve, [OperatingPoint(0.01), OperatingPoint(0.005)]) == pytest.approx(expected)


@pytest.mark.parametrize(
    "wrong", [(0.0, 1, 1), (1.0, 1, 1), (math.nan, 1, 1), (0.5, 0, 1), (0.5, 1, -1), (0.5, math.inf)]
)
def test_costs_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match="p_target must lie"):
        OperatingPoint(*wrong)
    with pytest.raises(ValueError, match="p_target must lie"):
        act_dcf([0, 1], [False, True], *wrong)
