import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakertrip.metrics import OperatingPoint, det_curve, equal_error_rate, min_dcf, threshold_at_eer
from speakertrip.metrics.sorted_scores import sort_scores
from speakertrip.metrics.sparse import sparse_curve

POINTS = [OperatingPoint(0.01), OperatingPoint(0.05), OperatingPoint(0.5, c_miss=10)]


@pytest.mark.parametrize("share", [0.01, 0.5, 0.95])
@pytest.mark.parametrize("digits", [7, 1])
def test_rates_are_those_of_the_whole_curve(share, digits):
    rng = np.random.default_rng(0)
    targets = rng.random(60_000) < share
    scores = (rng.normal(size=len(targets)) + 2.5 * targets).round(digits).astype(np.float32)
    whole, sparse = det_curve(scores, targets), sparse_curve(sort_scores(scores, targets), POINTS)
    check(sparse, whole)
    if digits == 7:
        assert len(sparse.miss) < len(whole.miss) or share == 0.01


@given(st.integers(2, 300), st.integers(1, 20), st.integers(0, 2**31))
def test_rates_are_those_of_the_whole_curve_on_a_coarse_grid_of_few(size, values, seed):
    rng = np.random.default_rng(seed)
    scores, targets = rng.integers(0, values, size) / 4, rng.random(size) < 0.4
    targets[:2] = [True, False]
    check(sparse_curve(sort_scores(scores, targets), POINTS), det_curve(scores, targets))


def check(sparse, whole):
    assert equal_error_rate(sparse) == pytest.approx(equal_error_rate(whole), abs=1e-12)
    assert threshold_at_eer(sparse) == threshold_at_eer(whole)
    for point in POINTS:
        costs = point.p_target, point.c_miss, point.c_fa
        assert min_dcf(sparse, *costs) == pytest.approx(min_dcf(whole, *costs), abs=1e-12)
