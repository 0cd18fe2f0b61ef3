import math

import numpy as np
import pytest
from drawn_trials import scored_trials
from hypothesis import given
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression

from speakertrip.metrics import cllr, det_curve, min_cllr
from speakertrip.metrics.llr import BLOCK


def plain_cllr(scores, targets):
    """The definition, trial by trial; an infinite ratio that is right costs nothing."""
    costs = {True: [], False: []}
    for score, target in zip(scores.tolist(), targets.tolist(), strict=True):
        wrong = -score if target else score
        costs[target].append(wrong / math.log(2) if wrong > 700 else math.log2(1 + math.exp(wrong)))
    return (math.fsum(costs[True]) / len(costs[True]) + math.fsum(costs[False]) / len(costs[False])) / 2


@given(scored_trials(largest=6.0, step=0.5))
def test_agrees_with_the_definition_trial_by_trial(trials):
    assert cllr(*trials) == pytest.approx(plain_cllr(*trials))


def test_agrees_with_the_definition_over_more_than_a_block_and_at_the_extremes():
    rng = np.random.default_rng(0)
    targets = rng.random(BLOCK + 100) < 0.3
    scores = 1_000 * rng.normal(size=len(targets))
    assert cllr(scores, targets) == pytest.approx(plain_cllr(scores, targets), rel=1e-12)
    assert cllr(scores.astype(np.float32), targets) == pytest.approx(plain_cllr(scores, targets), rel=1e-6)
    assert cllr([800.0, -800.0], [True, False]) == 0


@given(scored_trials(largest=6.0, step=0.5))
def test_min_cllr_is_that_of_the_scores_after_isotonic_regression(trials):
    scores, targets = trials
    share = IsotonicRegression().fit(scores, targets.astype(float)).predict(scores)
    with np.errstate(divide="ignore"):
        llrs = np.log(share) - np.log(1 - share) - math.log(targets.sum() / (~targets).sum())
    ours = min_cllr(det_curve(scores, targets))
    assert ours == pytest.approx(plain_cllr(llrs, targets), abs=1e-9)
    assert -1e-12 <= ours <= min(1, cllr(scores, targets)) + 1e-9


@given(scored_trials(largest=6.0, step=0.5))
def test_min_cllr_does_not_change_under_a_strictly_increasing_map(trials):
    scores, targets = trials
    mapped = det_curve(np.exp(scores) * 3 - 1, targets)
    assert min_cllr(det_curve(scores, targets)) == pytest.approx(min_cllr(mapped), abs=1e-12)


@given(scored_trials(largest=6.0, step=0.5), st.integers(0, 2**31))
def test_a_weight_counts_as_repetition(trials, seed):
    scores, targets = trials
    weights = np.random.default_rng(seed).integers(0, 4, len(scores))
    weights[:2] = 1
    repeated = np.repeat(scores, weights), np.repeat(targets, weights)
    assert cllr(scores, targets, weights) == pytest.approx(cllr(*repeated))
    assert min_cllr(det_curve(scores, targets, weights)) == pytest.approx(
        min_cllr(det_curve(*repeated)), abs=1e-9
    )


@pytest.mark.parametrize(
    ("scores", "targets", "message"),
    [
        ([0.1, 0.2], [True, True], "at least one target and one nontarget"),
        ([0.1, float("nan")], [True, False], "score 1 is not finite"),
        ([float("inf"), 0.1], [True, False], "score 0 is not finite"),
        ([0.1, 0.2, 0.3], [True, False], "of one length"),
    ],
)
def test_bad_input_is_refused(scores, targets, message):
    with pytest.raises(ValueError, match=message):
        cllr(scores, targets)
