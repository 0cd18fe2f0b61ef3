import math

import numpy as np
import pytest
from drawn_trials import scored_trials
from hypothesis import assume, given
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from speakertrip.backend.calibration import IsotonicCalibration, LinearCalibration
from speakertrip.metrics import act_dcf, cllr, det_curve, equal_error_rate, min_cllr


def gaussian(targets, nontargets, seed=0, spread=2.0):
    """Scores that are their own LLR: normal, of variance twice their mean."""
    rng = np.random.default_rng(seed)
    truth = np.arange(targets + nontargets) < targets
    return spread * rng.normal(size=len(truth)) + np.where(truth, 1, -1) * spread**2 / 2, truth


@pytest.mark.parametrize("p_target", [0.01, 0.5])
def test_agrees_with_weighted_logistic_regression(p_target):
    scores, targets = gaussian(300, 5_000)
    columns = np.column_stack([5 * scores + 3, np.random.default_rng(1).normal(size=len(scores))])
    fitted = LinearCalibration.fit(columns, targets, ("score", "noise"), p_target)
    shares = np.where(targets, p_target / targets.sum(), (1 - p_target) / (~targets).sum())
    peer = LogisticRegression(C=np.inf, tol=1e-10, max_iter=10_000).fit(columns, targets, shares * 1e4)
    assert fitted.weights == pytest.approx(peer.coef_[0], rel=0.02, abs=2e-3)
    prior = math.log(p_target / (1 - p_target))
    assert fitted.bias == pytest.approx(peer.intercept_[0] - prior, rel=0.02, abs=0.02)


@pytest.mark.parametrize("targets", [50, 5_000])
def test_calibrates_unseen_scores_whatever_the_share_of_targets(targets):
    scores, truth = gaussian(targets, 5_000, seed=1)
    fitted = LinearCalibration.fit(scores / 7 + 0.4, truth, p_target=0.5)
    other, other_truth = gaussian(5_000, 5_000, seed=2)
    llrs = fitted(other / 7 + 0.4)
    assert cllr(llrs, other_truth) < min_cllr(det_curve(llrs, other_truth)) + (
        0.05 if targets == 50 else 0.01
    )
    assert equal_error_rate(det_curve(llrs, other_truth)) == pytest.approx(
        equal_error_rate(det_curve(other, other_truth))
    )


def test_fusion_is_better_than_either_system():
    rng = np.random.default_rng(0)
    truth = rng.random(8_000) < 0.3
    systems = np.column_stack([rng.normal(size=8_000) + 2 * truth, rng.normal(size=8_000) + 2 * truth])
    half = np.arange(8_000) < 4_000
    fused = LinearCalibration.fit(systems[half], truth[half], ("a", "b"), 0.5)(systems[~half])
    alone = [
        LinearCalibration.fit(systems[half, k], truth[half], p_target=0.5)(systems[~half, k]) for k in (0, 1)
    ]
    assert cllr(fused, truth[~half]) < min(cllr(llrs, truth[~half]) for llrs in alone) - 0.05


def test_a_first_system_that_another_makes_redundant_is_no_error():
    for seed in range(20):
        rng = np.random.default_rng(seed)
        truth = rng.random(400) < 0.3
        good = rng.normal(size=400) + 2 * truth
        fitted = LinearCalibration.fit(
            np.column_stack([good + rng.normal(size=400), good]), truth, ("weak", "good")
        )
        assert fitted.weights[1] > 0


def test_separable_scores_give_finite_ratios():
    fitted = LinearCalibration.fit([0.1, 0.2, 0.8, 0.9], [False, False, True, True])
    llrs = fitted([0.1, 0.2, 0.8, 0.9])
    assert np.isfinite(llrs).all()
    assert (llrs[:2] < 0).all()
    assert (llrs[2:] > 3).all()
    assert np.abs(llrs).max() < 30


def test_a_constant_column_has_no_say():
    scores, truth = gaussian(200, 500)
    columns = np.column_stack([scores, np.full(len(scores), 7.0)])
    fitted = LinearCalibration.fit(columns, truth, ("score", "constant"))
    alone = LinearCalibration.fit(scores, truth)
    assert fitted(columns) == pytest.approx(alone(scores), abs=1e-4)


@given(scored_trials())
def test_isotonic_agrees_with_scikit_learn_after_the_laplace_rule(drawn):
    scores, targets = drawn
    assume(scores[targets].mean() > scores[~targets].mean())
    fitted = IsotonicCalibration.fit(scores, targets)
    more = np.concatenate([[scores.min() - 1], scores, [scores.max() + 1]])
    truth = np.concatenate([[1.0], targets, [0.0]])
    share = IsotonicRegression().fit(more, truth).predict(scores)
    expected = np.log(share / (1 - share)) - math.log((targets.sum() + 1) / ((~targets).sum() + 1))
    assert fitted(scores) == pytest.approx(expected, abs=1e-6)
    assert np.isfinite(fitted([-1e9, 1e9])).all()
    grid = fitted(np.linspace(-3, 3, 50))
    assert (np.diff(grid) >= 0).all()


def test_isotonic_calibrates_unseen_scores():
    scores, truth = gaussian(5_000, 5_000, seed=1)
    fitted = IsotonicCalibration.fit(np.exp(scores), truth)  # nothing linear
    other, other_truth = gaussian(5_000, 5_000, seed=2)
    llrs = fitted(np.exp(other))
    assert cllr(llrs, other_truth) < min_cllr(det_curve(other, other_truth)) + 0.02
    assert act_dcf(llrs, other_truth, 0.5) == pytest.approx(act_dcf(other, other_truth, 0.5), abs=0.02)


@pytest.mark.parametrize("fit", [LinearCalibration.fit, IsotonicCalibration.fit])
@pytest.mark.parametrize(
    ("scores", "targets", "message"),
    [
        ([0.1, 0.2], [True, True], "at least one target and one nontarget"),
        ([0.1, np.nan], [True, False], "trial 1 are not finite"),
        ([0.1, 0.2, 0.3], [True, False], "of one length"),
    ],
)
def test_bad_trials_are_refused(fit, scores, targets, message):
    with pytest.raises(ValueError, match=message):
        fit(scores, targets)


def test_bad_options_are_refused():
    with pytest.raises(ValueError, match="p_target must lie"):
        LinearCalibration.fit([0.1, 0.2], [False, True], p_target=1.0)
    with pytest.raises(ValueError, match="expected 1 columns"):
        LinearCalibration.fit(np.zeros((2, 2)), [False, True])
    with pytest.raises(ValueError, match="is not higher for targets"):
        LinearCalibration.fit([0.9, 0.1], [False, True])


@pytest.mark.parametrize("p_target", [1e-9, 1e-4, 0.5, 1 - 1e-9])
def test_extreme_priors_give_a_weight(p_target):
    scores, truth = gaussian(500, 2_000)
    fitted = LinearCalibration.fit(scores / 7 + 0.4, truth, p_target=p_target)
    assert 1 < fitted.weights[0] < 20


def test_numbers_that_are_no_calibration_are_refused():
    for weights, bias in ((np.array([1e13]), 0.0), (np.array([np.nan]), 0.0), (np.ones(1), np.inf)):
        with pytest.raises(ValueError, match="finite numbers below"):
            LinearCalibration(("score",), weights, bias)
    for thresholds, llrs in (([0.2, 0.1], [0, 1]), ([0.1, 0.1], [0, 1]), ([0.1, 0.2], [1, 0])):
        with pytest.raises(ValueError, match="must increase"):
            IsotonicCalibration(np.array(thresholds), np.array(llrs))
    with pytest.raises(ValueError, match="of one length"):
        IsotonicCalibration(np.array([]), np.array([]))
    with pytest.raises(ValueError, match="is not higher for targets"):
        IsotonicCalibration.fit([0.9, 0.1], [False, True])
