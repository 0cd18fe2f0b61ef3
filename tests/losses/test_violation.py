import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from speakertrip.losses import MultiSampleTripletLoss
from speakertrip.losses.violation import mean_violation, violations

numbers = st.lists(st.floats(-5, 5), min_size=1, max_size=20)


@given(numbers, st.floats(0.1, 50))
def test_softplus_is_the_smooth_hinge_and_lies_above_it(excess, scale):
    values = torch.tensor(excess, dtype=torch.float64)
    smooth = violations(values, scale)
    expected = [math.log1p(math.exp(-abs(scale * x))) / scale + max(x, 0.0) for x in excess]
    torch.testing.assert_close(smooth, torch.tensor(expected, dtype=torch.float64), atol=1e-8, rtol=1e-8)
    hinge = violations(values, None)
    assert torch.equal(hinge, values.clamp_min(0))
    assert (smooth >= hinge).all()
    assert (smooth - hinge <= math.log(2) / scale + 1e-9).all()


@given(numbers)
def test_means_over_all_and_over_active_terms(excess):
    values = torch.tensor(excess, dtype=torch.float64)
    costs = violations(values, None)
    active = [x for x in excess if x > 0]
    assert float(mean_violation(costs, values, "all", False)) == pytest.approx(sum(active) / len(excess))
    expected = sum(active) / max(1, len(active))
    assert float(mean_violation(costs, values, "active", False)) == pytest.approx(expected)


@pytest.mark.parametrize("reduction", ["all", "active"])
def test_no_terms_cost_nothing_and_still_have_a_gradient(reduction):
    excess = torch.zeros(0, requires_grad=True)
    loss = mean_violation(violations(excess, None), excess, reduction, False)
    loss.backward()
    assert loss.item() == 0
    assert excess.grad.shape == (0,)


def test_a_margin_assigned_later_is_checked():
    loss, smooth = MultiSampleTripletLoss(0.4), MultiSampleTripletLoss(0.4, softplus_scale=5.0)
    for margin in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="margin must be positive"):
            loss.margin = margin
    assert loss.margin == 0.4
    smooth.margin = 0.0
    assert smooth.margin == 0.0
