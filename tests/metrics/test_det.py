import numpy as np
import pytest
from drawn_trials import scored_trials
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import det_curve as sklearn_det_curve

from speakertrip.metrics import det_curve, equal_error_rate, threshold_at_eer


@given(scored_trials())
def test_agrees_with_counting_at_each_threshold(trials):
    scores, targets = trials
    curve = det_curve(scores, targets)
    for miss, false_alarm, threshold in zip(curve.miss, curve.false_alarm, curve.thresholds, strict=True):
        accepted = scores >= threshold
        assert miss == pytest.approx(np.mean(~accepted[targets]))
        assert false_alarm == pytest.approx(np.mean(accepted[~targets]))
    assert (curve.miss[0], curve.false_alarm[0]) == (0, 1)
    assert (curve.miss[-1], curve.false_alarm[-1]) == (1, 0)
    assert (np.diff(curve.thresholds) > 0).all()


@given(scored_trials())
def test_passes_through_the_points_of_scikit_learn(trials):
    scores, targets = trials
    false_alarm, miss, _ = sklearn_det_curve(targets, scores)
    curve = det_curve(scores, targets)
    way, ours = miss - false_alarm, curve.miss - curve.false_alarm  # rises strictly along both
    assert np.interp(way, ours, curve.miss) == pytest.approx(miss)
    assert np.interp(way, ours, curve.false_alarm) == pytest.approx(false_alarm)


@pytest.mark.parametrize("share", [0.02, 0.5, 0.98])
def test_leaves_out_only_what_lies_on_a_line(share):
    rng = np.random.default_rng(0)
    scores, targets = rng.normal(size=2_000).astype(np.float32), rng.random(2_000) < share
    curve, full = det_curve(scores, targets), det_curve(scores, targets, np.ones(len(scores)))
    assert len(curve.miss) <= 2 * min(targets.sum(), (~targets).sum()) + 6 < len(full.miss) + 4
    way, ours = full.miss - full.false_alarm, curve.miss - curve.false_alarm
    assert np.interp(way, ours, curve.miss) == pytest.approx(full.miss, abs=1e-12)
    assert equal_error_rate(curve) == pytest.approx(equal_error_rate(full), abs=1e-12)
    assert threshold_at_eer(curve) == threshold_at_eer(full)


@given(scored_trials(), st.integers(0, 2**31))
def test_a_weight_counts_as_repetition(trials, seed):
    scores, targets = trials
    weights = np.random.default_rng(seed).integers(0, 4, len(scores))
    weights[:2] = 1
    weighted = det_curve(scores, targets, weights)
    repeated = det_curve(np.repeat(scores, weights), np.repeat(targets, weights))
    for threshold, f, m in zip(repeated.thresholds, repeated.false_alarm, repeated.miss, strict=True):
        place = np.searchsorted(weighted.thresholds, threshold)
        assert (weighted.false_alarm[place], weighted.miss[place]) == pytest.approx((f, m))


@pytest.mark.parametrize(
    ("scores", "targets", "message"),
    [
        ([0.1, 0.2], [True, True], "at least one target and one nontarget"),
        ([], [], "at least one target and one nontarget"),
        ([0.1, float("nan")], [True, False], "score 1 is not finite"),
        ([float("inf"), 0.1], [True, False], "score 0 is not finite"),
        ([0.1, 0.2, 0.3], [True, False], "of one length"),
    ],
)
def test_bad_input_is_refused(scores, targets, message):
    with pytest.raises(ValueError, match=message):
        det_curve(scores, targets)
