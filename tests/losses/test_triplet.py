import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.autograd import gradcheck

from speakertrip.losses import MultiSampleTripletLoss, TripletLoss


@given(st.integers(1, 8), st.integers(1, 6), st.floats(0.01, 4.0), st.integers(0, 2**31))
def test_agrees_with_the_definition(triplets, dim, margin, seed):
    generator = torch.Generator().manual_seed(seed)
    a, p, n = torch.randn(3, triplets, dim, generator=generator)
    total = 0.0
    for i in range(triplets):
        to_positive = sum((a[i, d] - p[i, d]).double() ** 2 for d in range(dim))
        to_negative = sum((a[i, d] - n[i, d]).double() ** 2 for d in range(dim))
        total += max(0.0, float(to_positive - to_negative + margin))
    assert TripletLoss(margin)(a, p, n).item() == pytest.approx(total / triplets, rel=1e-5, abs=1e-5)


def test_agrees_with_a_peer_library():
    losses = pytest.importorskip("pytorch_metric_learning.losses")
    distances = pytest.importorskip("pytorch_metric_learning.distances")
    reducers = pytest.importorskip("pytorch_metric_learning.reducers")
    embeddings = torch.randn(9, 5, generator=torch.Generator().manual_seed(0))
    indices = tuple(torch.tensor(each) for each in ([0, 1, 3], [1, 2, 4], [5, 6, 8]))
    peer = losses.TripletMarginLoss(
        margin=0.7,
        distance=distances.LpDistance(normalize_embeddings=False, power=2),
        reducer=reducers.MeanReducer(),
    )
    expected = peer(embeddings, torch.tensor([0, 0, 0, 1, 1, 2, 3, 4, 5]), indices)
    ours = TripletLoss(0.7)(*(embeddings[each] for each in indices))
    assert ours.item() == pytest.approx(expected.item(), rel=1e-5)


@pytest.mark.parametrize("softplus_scale", [None, 3.0])
@pytest.mark.parametrize("reduction", ["all", "active"])
def test_gradients_agree_with_finite_differences(softplus_scale, reduction):
    inputs = torch.randn(3, 4, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    loss = TripletLoss(1.0, softplus_scale, reduction)
    assert gradcheck(loss, tuple(each.clone().requires_grad_() for each in inputs))


def test_the_mean_may_be_over_active_triplets_only():
    a, p = torch.zeros(2, 1), torch.tensor([[1.0], [0.0]])
    n = torch.tensor([[0.0], [9.0]])
    assert TripletLoss(0.5)(a, p, n).item() == pytest.approx(0.75)
    assert TripletLoss(0.5, reduction="active")(a, p, n).item() == pytest.approx(1.5)


def test_agrees_with_the_multi_sample_loss_of_sets_of_one():
    a, p, n = torch.randn(3, 5, 4, generator=torch.Generator().manual_seed(4))
    for options in ({}, {"softplus_scale": 2.0}, {"reduction": "active"}):
        many = MultiSampleTripletLoss(0.5, **options).explicit(a, p[:, None], n[:, None])
        assert TripletLoss(0.5, **options)(a, p, n).item() == pytest.approx(many.item())


def test_zero_where_all_triplets_are_satisfied():
    a = torch.zeros(2, 2, requires_grad=True)
    loss = TripletLoss(0.5)(a, torch.zeros(2, 2), 10 * torch.ones(2, 2))
    loss.backward()
    assert loss.item() == 0
    assert torch.equal(a.grad, torch.zeros(2, 2))


def test_no_triplet_is_refused():
    with pytest.raises(ValueError, match="there is no triplet"):
        TripletLoss(0.5)(*torch.zeros(3, 0, 2))


@pytest.mark.parametrize("shapes", [[(2, 3), (2, 3), (3, 3)], [(2, 3, 1)] * 3])
def test_shapes_that_do_not_fit_are_refused(shapes):
    with pytest.raises(ValueError, match="of one shape"):
        TripletLoss(0.5)(*(torch.zeros(shape) for shape in shapes))


def test_a_margin_that_is_not_positive_is_refused():
    with pytest.raises(ValueError, match="margin must be positive"):
        TripletLoss(0)
