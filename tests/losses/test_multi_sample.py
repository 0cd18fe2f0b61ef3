"""The multi-sample triplet loss in its three forms against its definition."""

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from loss_cases import batches, larger_distance, plain_loop
from torch.autograd import gradcheck
from torch.nn import functional

from speakertrip.losses import MultiSampleTripletLoss
from speakertrip.losses.sums import mean_distances
from speakertrip.miners import (
    BatchHard,
    DistanceWeighted,
    Everything,
    HardestShare,
    HardestSpeakers,
    Random,
    RowSets,
    SemiHard,
    TripletSets,
)

MINERS = {
    "no miner": lambda: None,
    "everything": Everything,
    "hardest share": lambda: HardestShare(0.4),
    "hardest speakers": lambda: HardestSpeakers(2),
    "batch-hard": BatchHard,
    "semi-hard": lambda: SemiHard(2.0),
    "random": lambda: Random(3, seed=0),
    "distance-weighted": lambda: DistanceWeighted(3, seed=0, farthest=2.0),
}
with_each_miner = pytest.mark.parametrize("make", MINERS.values(), ids=MINERS)


def mined(make, embeddings, labels):
    miner = make()
    return miner and miner(embeddings.detach().float(), labels)


@with_each_miner
@given(batch=batches(), softplus_scale=st.none() | st.floats(0.5, 20))
def test_value_and_gradient_agree_with_the_definition(make, batch, softplus_scale):
    embeddings, labels, margin = batch
    sets = mined(make, embeddings, labels)

    def cost(excess):
        return torch.relu(excess) if softplus_scale is None else functional.softplus(excess, softplus_scale)

    ours, plain = embeddings.clone().requires_grad_(), embeddings.clone().requires_grad_()
    value = MultiSampleTripletLoss(margin, softplus_scale)(ours, labels, sets)
    terms = plain_loop(plain, labels, margin, sets, cost)
    scale = larger_distance(embeddings, labels) + margin
    assert value.item() == pytest.approx(terms.mean().item(), abs=1e-5 * scale)
    excess = plain_loop(plain, labels, margin, sets, cost=lambda excess: excess)
    if softplus_scale is None and (excess.abs() < 1e-4 * scale).any():
        return  # at the corner of the hinge either gradient is right
    (gradient,) = torch.autograd.grad(value, ours)
    (exact,) = torch.autograd.grad(terms.mean(), plain)
    torch.testing.assert_close(gradient, exact, rtol=1e-4, atol=1e-4)


@with_each_miner
@pytest.mark.parametrize("wide", [16, 1e-9], ids=["matrix product", "bag"])
def test_gradients_agree_with_finite_differences(make, wide, monkeypatch):
    monkeypatch.setattr("speakertrip.losses.distances.WIDE", wide)
    embeddings = torch.randn(9, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([0, 0, 1, 1, 1, 2, 3, 3, 0])
    sets = mined(make, embeddings, labels)
    loss = MultiSampleTripletLoss(3.0, softplus_scale=2.0)
    assert loss(embeddings, labels, sets).dtype == torch.float64
    assert gradcheck(lambda x: loss(x, labels, sets), embeddings.requires_grad_())


@given(batches(), st.data())
def test_explicit_sets_agree_with_mined_ones(batch, data):
    embeddings, labels, margin = batch
    sets = HardestShare(data.draw(st.floats(0.1, 1.0)))(embeddings, labels)
    positives = RowSets(
        torch.arange(len(labels)).expand(len(labels), -1),
        (labels[:, None] == labels) & ~torch.eye(len(labels), dtype=torch.bool),
    )
    loss = MultiSampleTripletLoss(margin, reduction=data.draw(st.sampled_from(["all", "active"])))
    points = embeddings.clone()
    explicit = loss.explicit(
        points,
        points[positives.indices].masked_fill(
            ~positives.mask[..., None], torch.nan
        ),  # what is masked may be anything
        points[sets.negatives.indices],
        positives.mask,
        sets.negatives.mask,
    )
    scale = larger_distance(embeddings, labels) + margin
    assert explicit.item() == pytest.approx(loss(embeddings, labels, sets).item(), abs=1e-5 * scale)


def test_masked_places_have_no_gradient():
    anchors, points = torch.randn(2, 3), torch.randn(2, 4, 3)
    points[:, 2:] = torch.nan
    points.requires_grad_()
    mask = torch.tensor([[True, True, False, False]] * 2)
    MultiSampleTripletLoss(5.0).explicit(anchors, points, points, mask, mask).backward()
    assert torch.equal(points.grad[:, 2:], torch.zeros(2, 2, 3))
    assert points.grad.isfinite().all()


def test_explicit_sets_without_masks_worked_by_hand():
    anchors, positives, negatives = (
        torch.tensor(each) for each in ([[0.0]], [[[1.0], [3.0]]], [[[2.0], [0.0]]])
    )
    assert MultiSampleTripletLoss(1.0).explicit(anchors, positives, negatives).item() == 5 - 2 + 1


@pytest.mark.parametrize(
    ("shapes", "mask", "message"),
    [
        (((2, 3), (2, 1, 4), (2, 1, 3)), None, "anchors must be"),
        (((2, 3), (2, 3), (2, 1, 3)), None, "anchors must be"),
        (((2, 3), (3, 1, 3), (2, 1, 3)), None, "anchors must be"),
        (((2, 3), (2, 1, 3), (2, 1, 3)), torch.ones(2, 2, dtype=torch.bool), "a mask must be bool"),
        (((2, 3), (2, 1, 3), (2, 1, 3)), torch.ones(2, 1), "a mask must be bool"),
        (((2, 3), (2, 1, 3), (2, 1, 3)), torch.zeros(2, 1, dtype=torch.bool), "no anchor has both"),
        (((2, 3), (2, 0, 3), (2, 1, 3)), None, "no anchor has both"),
    ],
)
def test_explicit_sets_that_do_not_fit_are_refused(shapes, mask, message):
    with pytest.raises(ValueError, match=message):
        MultiSampleTripletLoss(0.2).explicit(*(torch.zeros(shape) for shape in shapes), mask)


def test_a_case_worked_by_hand():
    # Anchors on a line at 0, 2 | 3. From 0: positives at 4, negatives at 9; from 2: 4 and 1; 3 has no positive.
    embeddings, labels = torch.tensor([[0.0], [2.0], [3.0]]), torch.tensor([7, 7, 9])
    assert MultiSampleTripletLoss(1.0)(embeddings, labels).item() == pytest.approx((0 + 4) / 2)
    assert MultiSampleTripletLoss(1.0, reduction="active")(embeddings, labels).item() == pytest.approx(4)


@given(batches(), st.sampled_from([0.0, 100.0, 3000.0]), st.sampled_from(sorted(set(MINERS) - {"no miner"})))
def test_far_from_the_origin_float32_agrees_with_float64(batch, shift, miner):
    embeddings, labels, margin = batch
    assume(larger_distance(embeddings, labels) > 1e-3)
    embeddings = embeddings + shift
    sets = mined(MINERS[miner], embeddings, labels)
    value = MultiSampleTripletLoss(margin)(embeddings, labels, sets)
    expected = plain_loop(embeddings, labels, margin, sets).mean()
    scale = larger_distance(embeddings, labels) + margin
    assert value.item() == pytest.approx(expected.item(), abs=1e-5 * scale)


def test_mined_sets_stay_exact_in_a_group_that_is_far_from_another():
    """The centre of the batch lies between them, and the sets of an anchor lie in its own group."""
    generator = torch.Generator().manual_seed(0)
    embeddings = torch.randn(24, 8, generator=generator)
    embeddings[12:] += 1000.0
    labels = torch.arange(24) // 3
    sets = HardestShare(0.1)(embeddings, labels)
    nearest = TripletSets(sets.anchors, BatchHard()(embeddings, labels).positives, sets.negatives)
    for each in (sets, nearest):  # positives by sums, and by sets
        terms = plain_loop(embeddings, labels, 30.0, each)
        assert terms.max() < 100  # no set reaches into the other group
        value = MultiSampleTripletLoss(30.0)(embeddings, labels, each)
        assert value.item() == pytest.approx(terms.mean().item(), rel=1e-5)


def test_many_utterances_of_a_speaker_are_summed_exactly():
    generator = torch.Generator().manual_seed(0)
    embeddings = torch.randn(40_000, 4, generator=generator) + 100.0
    labels = (torch.arange(40_000) % 100 == 0).long()
    exact = embeddings.double()
    loss = MultiSampleTripletLoss(5.0)
    assert loss(embeddings, labels).item() == pytest.approx(loss(exact, labels).item(), rel=1e-5)


def test_agrees_with_a_peer_library_over_all_triplets_of_single_positives():
    """With one positive and one negative each, the mean over sets is the mean over triplets."""
    losses = pytest.importorskip("pytorch_metric_learning.losses")
    distances = pytest.importorskip("pytorch_metric_learning.distances")
    reducers = pytest.importorskip("pytorch_metric_learning.reducers")
    embeddings = torch.randn(12, 5, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(12) // 3
    peer = losses.TripletMarginLoss(
        margin=0.7,
        distance=distances.LpDistance(normalize_embeddings=False, power=2),
        reducer=reducers.MeanReducer(),
    )
    rows = range(12)
    triplets = torch.tensor(
        [
            (a, p, n)
            for a in rows
            for p in rows
            for n in rows
            if labels[a] == labels[p] != labels[n] and a != p
        ]
    )
    one = torch.ones(len(triplets), 1, dtype=torch.bool)
    sets = TripletSets(triplets[:, 0], RowSets(triplets[:, 1:2], one), RowSets(triplets[:, 2:], one))
    for reduction, reducer in (("all", reducers.MeanReducer()), ("active", reducers.AvgNonZeroReducer())):
        peer.reducer = reducer
        ours = MultiSampleTripletLoss(0.7, reduction=reduction)(embeddings, labels, sets)
        assert ours.item() == pytest.approx(peer(embeddings, labels).item(), rel=1e-5)


@pytest.mark.parametrize("name", ["batch-hard", "semi-hard"])
def test_agrees_with_a_peer_library_on_its_mined_triplets(name):
    losses = pytest.importorskip("pytorch_metric_learning.losses")
    distances = pytest.importorskip("pytorch_metric_learning.distances")
    reducers = pytest.importorskip("pytorch_metric_learning.reducers")
    embeddings = torch.randn(12, 5, generator=torch.Generator().manual_seed(1))
    labels = torch.arange(12) // 2  # one positive each: a semi-hard set is then a set of triplets
    sets = mined(MINERS[name], embeddings, labels)
    distance = distances.LpDistance(normalize_embeddings=False, power=2)
    peer = losses.TripletMarginLoss(margin=2.0, distance=distance, reducer=reducers.MeanReducer())
    loss = MultiSampleTripletLoss(2.0)
    excess = loss.excess(loss.distances(embeddings, labels, sets))
    negatives = sets.negatives.as_rows()
    sizes = negatives.mask.sum(dim=1)
    rows = sets.anchors.repeat_interleave(sizes), sets.positives.indices[:, 0].repeat_interleave(sizes)
    expected = peer(embeddings, labels, (*rows, negatives.indices[negatives.mask]))
    weighted = (excess.clamp_min(0) * sizes[sizes > 0]).sum() / sizes.sum()
    assert weighted.item() == pytest.approx(expected.item(), rel=1e-5)


def test_the_order_of_the_batch_and_the_names_of_the_speakers_do_not_matter():
    embeddings, labels = torch.randn(12, 4, generator=torch.Generator().manual_seed(1)), torch.arange(12) % 4
    order = torch.randperm(12, generator=torch.Generator().manual_seed(2))
    loss = MultiSampleTripletLoss(0.5)
    assert loss(embeddings[order], 10 - labels[order]).item() == pytest.approx(
        loss(embeddings, labels).item()
    )


@with_each_miner
@pytest.mark.parametrize("reduction", ["all", "active"])
def test_no_active_anchor_gives_zero_with_a_zero_gradient(make, reduction):
    embeddings = torch.tensor([[0.0], [0.1], [100.0], [100.1]], requires_grad=True)
    labels = torch.tensor([0, 0, 1, 1])
    loss = MultiSampleTripletLoss(0.2, reduction=reduction)(
        embeddings, labels, mined(make, embeddings, labels)
    )
    loss.backward()
    assert loss.item() == 0
    assert torch.equal(embeddings.grad, torch.zeros_like(embeddings))


def test_an_anchor_on_the_corner_of_the_hinge_is_not_active():
    embeddings = torch.tensor([[0.0], [1.0], [2.0]], requires_grad=True)
    sets = HardestShare(1.0)(embeddings, torch.tensor([0, 0, 1]), anchors=torch.tensor([0]))
    loss = MultiSampleTripletLoss(3.0)(embeddings, torch.tensor([0, 0, 1]), sets)
    loss.backward()
    assert loss.item() == 0
    assert torch.equal(embeddings.grad, torch.zeros_like(embeddings))


def test_collapsed_embeddings_cost_exactly_the_margin():
    assert MultiSampleTripletLoss(0.3)(torch.ones(6, 4), torch.arange(6) // 2).item() == pytest.approx(0.3)


@pytest.mark.parametrize("labels", [[0, 0, 0, 0], [0, 1, 2, 3], []])
def test_a_batch_without_negatives_or_positives_is_refused(labels):
    with pytest.raises(ValueError, match="a batch needs two speakers"):
        MultiSampleTripletLoss(0.2)(torch.randn(len(labels), 3), torch.tensor(labels, dtype=torch.long))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"margin": 0.0}, "margin must be positive"),
        ({"margin": -1.0}, "margin must be positive"),
        ({"margin": float("nan")}, "margin must be positive"),
        ({"margin": float("inf")}, "margin must be positive"),
        ({"margin": -1.0, "softplus_scale": 1.0}, "margin must be positive, or 0"),
        ({"margin": 0.1, "softplus_scale": 0.0}, "softplus_scale must be positive"),
        ({"margin": 0.1, "reduction": "mean"}, "reduction must be"),
    ],
)
def test_options_out_of_range_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        MultiSampleTripletLoss(**options)


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="embeddings must be"):
        MultiSampleTripletLoss(0.2)(torch.randn(4, 3), torch.tensor([0, 0, 1]))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_float32(dtype):
    embeddings, labels = torch.randn(8, 16), torch.arange(8) // 2
    loss, sets = MultiSampleTripletLoss(0.4), HardestShare(0.5)(embeddings, labels)
    for each in (None, sets):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            value = loss(embeddings, labels, each)
        assert value.dtype == torch.float32
        assert value.item() == pytest.approx(loss(embeddings, labels, each).item())
        half = embeddings.to(dtype).requires_grad_()
        loss(half, labels, each).backward()
        assert half.grad.dtype == dtype
        assert loss(half, labels, each).item() == pytest.approx(loss(half.float(), labels, each).item())


def test_no_batch_by_batch_matrix_is_made():
    size = 20_000  # its square would take 1.6 GB in float32; the profiler counts what is asked for
    embeddings = torch.randn(size, 16, requires_grad=True)
    labels = torch.arange(size) // 4
    with torch.profiler.profile(
        activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True, acc_events=True
    ) as profile:
        MultiSampleTripletLoss(0.4)(embeddings, labels).backward()
    largest = max(event.cpu_memory_usage for event in profile.events())
    assert largest <= 8 * embeddings.nbytes


@pytest.mark.parametrize(("make", "mined_sides"), [(BatchHard, 2), (lambda: HardestShare(0.4), 1)])
def test_sums_of_the_whole_batch_are_taken_only_for_a_side_that_is_not_mined(make, mined_sides, monkeypatch):
    calls = []

    def spy(*arguments, **options):
        calls.append(arguments)
        return mean_distances(*arguments, **options)

    monkeypatch.setattr("speakertrip.losses.distances.mean_distances", spy)
    monkeypatch.setattr("speakertrip.losses.multi_sample.mean_distances", spy)
    embeddings, labels = torch.randn(8, 3), torch.arange(8) // 2
    MultiSampleTripletLoss(0.5)(embeddings, labels, make()(embeddings, labels))
    assert len(calls) == 2 - mined_sides
