import numpy as np
import pytest
from drawn_trials import scored_trials
from hypothesis import given
from hypothesis import strategies as st
from scipy.interpolate import interp1d
from scipy.optimize import brentq
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import roc_curve

from speakertrip.metrics import (
    convex_hull_eer,
    det_curve,
    equal_error_rate,
    false_alarm_at_miss,
    min_dcf,
    miss_at_false_alarm,
    threshold_at_eer,
)


def gaussian_trials(targets, nontargets, shift=3.0, seed=0):
    rng = np.random.default_rng(seed)
    scores = np.concatenate([rng.normal(shift, 1, targets), rng.normal(0, 1, nontargets)])
    return scores, np.arange(len(scores)) < targets


@given(scored_trials())
def test_eer_agrees_with_the_voxsrc_rule(trials):
    scores, targets = trials
    false_alarm, hits, _ = roc_curve(targets, scores, drop_intermediate=False)
    expected = brentq(lambda x: 1.0 - x - interp1d(false_alarm, hits)(x), 0.0, 1.0)
    # Where the ROC rises straight up at the crossing, the rule's own interpolation is not unique in x.
    curve = det_curve(scores, targets)
    eer = equal_error_rate(curve)
    if len(np.unique(false_alarm)) == len(false_alarm):
        assert eer == pytest.approx(expected, abs=1e-9)
    gap = np.abs(curve.miss - curve.false_alarm)
    near = np.argsort(gap)[:1]
    assert min(curve.miss[near[0]], curve.false_alarm[near[0]]) - 1e-9 <= eer
    assert eer <= max(curve.miss[near[0]], curve.false_alarm[near[0]]) + 1e-9


def test_eer_agrees_with_the_voxsrc_rule_on_a_list_of_usual_size():
    scores, targets = gaussian_trials(18_860, 18_860)
    false_alarm, hits, _ = roc_curve(targets, scores, drop_intermediate=False)
    expected = brentq(lambda x: 1.0 - x - interp1d(false_alarm, hits)(x), 0.0, 1.0)
    assert equal_error_rate(det_curve(scores, targets)) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("scores", "eer"), [([1, 2, 3, 4], 0.0), ([3, 4, 1, 2], 1.0), ([1, 1, 1, 1], 0.5), ([1, 3, 2, 4], 0.5)]
)
def test_eer_worked_by_hand(scores, eer):
    assert equal_error_rate(det_curve(scores, [False, False, True, True])) == pytest.approx(eer)


@given(scored_trials(), st.sampled_from([0.01, 0.05, 0.3, 0.9]), st.sampled_from([1.0, 10.0]))
def test_min_dcf_agrees_with_a_loop_over_thresholds(trials, p_target, c_miss):
    scores, targets = trials
    costs = []
    for threshold in [*np.unique(scores), np.inf]:
        accepted = scores >= threshold
        miss, false_alarm = np.mean(~accepted[targets]), np.mean(accepted[~targets])
        costs.append(c_miss * p_target * miss + (1 - p_target) * false_alarm)
    expected = min(costs) / min(c_miss * p_target, 1 - p_target)
    ours = min_dcf(det_curve(scores, targets), p_target, c_miss)
    assert ours == pytest.approx(expected)
    assert 0 <= ours <= 1 + 1e-12


@given(scored_trials())
def test_rates_do_not_change_under_a_strictly_increasing_map(trials):
    scores, targets = trials
    before, after = det_curve(scores, targets), det_curve(np.exp(scores) * 3 - 1, targets)
    assert equal_error_rate(before) == pytest.approx(equal_error_rate(after))
    assert convex_hull_eer(before) == pytest.approx(convex_hull_eer(after))
    assert min_dcf(before, 0.05) == pytest.approx(min_dcf(after, 0.05))


@given(scored_trials())
def test_hull_eer_is_the_eer_of_the_best_monotone_calibration(trials):
    scores, targets = trials
    curve = det_curve(scores, targets)
    pooled = IsotonicRegression().fit(scores, targets.astype(float)).predict(scores)
    on_hull = det_curve(pooled, targets)  # pooling adjacent violators walks the convex hull
    assert convex_hull_eer(curve) == pytest.approx(equal_error_rate(on_hull), abs=1e-9)
    assert convex_hull_eer(curve) <= equal_error_rate(curve) + 1e-12


@given(scored_trials())
def test_the_threshold_balances_the_two_errors_as_well_as_any(trials):
    scores, targets = trials
    curve = det_curve(scores, targets)
    threshold = threshold_at_eer(curve)
    accepted = scores >= threshold
    gap = abs(np.mean(~accepted[targets]) - np.mean(accepted[~targets]))
    assert np.isfinite(threshold)
    assert gap == pytest.approx(np.abs(curve.miss - curve.false_alarm).min())


def test_the_threshold_of_separable_scores_lies_in_the_middle():
    assert threshold_at_eer(det_curve([0.1, 0.2, 0.6, 0.7], [False, False, True, True])) == pytest.approx(0.4)


@given(scored_trials(), st.sampled_from([0.0, 0.01, 0.1, 0.5, 1.0]))
def test_the_rate_at_a_rate_agrees_with_a_loop_over_thresholds(trials, rate):
    scores, targets = trials
    at = [
        (np.mean(scores[targets] < threshold), np.mean(scores[~targets] >= threshold))
        for threshold in [*np.unique(scores), np.inf]
    ]
    curve = det_curve(scores, targets)
    assert miss_at_false_alarm(curve, rate) == pytest.approx(min(m for m, f in at if f <= rate))
    assert false_alarm_at_miss(curve, rate) == pytest.approx(min(f for m, f in at if m <= rate))


@pytest.mark.parametrize("rate", [-0.1, 1.1, float("nan")])
def test_a_rate_out_of_range_is_refused(rate):
    curve = det_curve([0, 1], [False, True])
    for measure in (miss_at_false_alarm, false_alarm_at_miss):
        with pytest.raises(ValueError, match=r"lies in \[0, 1\]"):
            measure(curve, rate)
