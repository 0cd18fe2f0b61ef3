from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakertrip.losses import AdaptiveMargin, ConstantMargin, CosineMargin, LinearMargin

margins = st.floats(0.01, 4.0)


@given(margins, margins, st.integers(1, 50), st.integers(1, 100))
def test_ramps_go_from_start_to_end_and_stay_there(start, end, steps, step):
    for ramp in (LinearMargin(start, end, steps), CosineMargin(start, end, steps)):
        assert min(start, end) - 1e-9 <= ramp(step) <= max(start, end) + 1e-9
        if steps > 1:
            assert ramp(1) == pytest.approx(start)
        if step >= steps > 1:
            assert ramp(step) == pytest.approx(end)
        way = 1 if end >= start else -1
        assert all(way * (b - a) >= -1e-9 for a, b in pairwise(map(ramp, range(1, steps + 1))))


def test_half_way_both_ramps_are_in_the_middle():
    assert LinearMargin(0.2, 0.8, 11)(6) == CosineMargin(0.2, 0.8, 11)(6) == pytest.approx(0.5)
    assert CosineMargin(0.2, 0.8, 11)(2) < LinearMargin(0.2, 0.8, 11)(2)


def test_a_constant_margin_is_constant():
    assert ConstantMargin(0.3)(1) == ConstantMargin(0.3)(10**6) == 0.3


@given(st.floats(0.1, 0.9), st.lists(st.floats(0, 1), max_size=50))
def test_an_adaptive_margin_stays_in_its_bounds(target, shares):
    margin = AdaptiveMargin(0.4, target, rate=0.5, lowest=0.1, highest=0.6)
    for share in shares:
        before = margin.value
        margin.update(share)
        assert 0.1 <= margin.value <= 0.6
        assert (margin.value - before) * (target - share) >= 0  # never the wrong way


def test_an_adaptive_margin_finds_the_margin_of_its_target():
    """Anchors whose gaps are uniform in [0, 1] are active, by a share equal to the margin."""
    margin = AdaptiveMargin(0.9, target=0.3, rate=0.1, lowest=0.01)
    for _ in range(200):
        margin.update(min(1.0, margin.value))
    assert margin(201) == pytest.approx(0.3, abs=0.01)


@pytest.mark.parametrize(
    "options", [{"value": 3.0}, {"value": 0.01}, {"lowest": 0.0}, {"target": 1.0}, {"rate": 0.0}]
)
def test_options_out_of_range_are_refused(options):
    with pytest.raises(ValueError, match="must"):
        AdaptiveMargin(**({"value": 0.4} | options))


@pytest.mark.parametrize("active", [float("nan"), -0.1, 1.1])
def test_an_adaptive_margin_refuses_what_is_no_share_and_stays(active):
    margin = AdaptiveMargin(0.4)
    with pytest.raises(ValueError, match=r"must lie in \[0, 1\]"):
        margin.update(active)
    assert margin(1) == 0.4
