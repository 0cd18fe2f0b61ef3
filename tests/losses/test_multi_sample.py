"""The multi-sample triplet loss against its definition, written as a plain double loop in float64."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from speakertrip.losses import MultiSampleTripletLoss
from speakertrip.miners import HardestShare, NegativeSets


def plain_loop(embeddings, labels, margin, negatives=None):
    x = embeddings.double()
    terms = []
    for i in range(len(x)):
        positives = [j for j in range(len(x)) if labels[j] == labels[i] and j != i]
        if negatives is None:
            others = [j for j in range(len(x)) if labels[j] != labels[i]]
        else:
            others = [
                int(j) for j, there in zip(negatives.indices[i], negatives.mask[i], strict=True) if there
            ]
        if positives and others:
            to_positives = sum((x[i] - x[j]).square().sum() for j in positives) / len(positives)
            to_negatives = sum((x[i] - x[j]).square().sum() for j in others) / len(others)
            terms.append(torch.relu(to_positives - to_negatives + margin))
    return sum(terms) / len(terms)


@st.composite
def batches(draw):
    """Embeddings, labels (any values, any order, singletons allowed), margin."""
    size, dim = draw(st.integers(3, 12)), draw(st.integers(1, 6))
    labels = draw(st.lists(st.integers(-3, 3), min_size=size, max_size=size))
    counts = {label: labels.count(label) for label in labels}
    if len(counts) < 2 or max(counts.values()) < 2:
        labels[:3] = [5, 5, 6]
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**31)))
    scale = draw(st.sampled_from([0.1, 1.0, 10.0]))
    embeddings = scale * torch.randn(size, dim, generator=generator)
    return embeddings, torch.tensor(labels), draw(st.floats(0.01, 4.0))


@given(batches(), st.none() | st.floats(0.05, 1.0))
def test_value_and_gradient_agree_with_the_definition(batch, share):
    embeddings, labels, margin = batch
    negatives = None if share is None else HardestShare(share)(embeddings, labels)
    ours, plain = embeddings.clone().requires_grad_(), embeddings.clone().requires_grad_()
    value = MultiSampleTripletLoss(margin)(ours, labels, negatives)
    expected = plain_loop(plain, labels, margin, negatives)
    scale = float(torch.cdist(embeddings, embeddings).square().mean()) + margin
    assert value.item() == pytest.approx(expected.item(), abs=1e-5 * scale)
    on_hinge = (MultiSampleTripletLoss(margin).distances(embeddings, labels, negatives), margin)
    gap = on_hinge[0].to_positives - on_hinge[0].to_negatives + margin
    if (gap.abs() > 1e-4 * scale).all():  # at the corner of the hinge either gradient is right
        (gradient,) = torch.autograd.grad(value, ours)
        (exact,) = (
            torch.autograd.grad(expected, plain) if expected.requires_grad else (torch.zeros_like(plain),)
        )
        torch.testing.assert_close(gradient, exact, rtol=1e-4, atol=1e-4)


def test_a_case_worked_by_hand():
    # Anchors on a line at 0, 2 | 3. From 0: positives at 4, negatives at 9; from 2: 4 and 1; 3 has no positive.
    embeddings, labels = torch.tensor([[0.0], [2.0], [3.0]]), torch.tensor([7, 7, 9])
    assert MultiSampleTripletLoss(1.0)(embeddings, labels).item() == pytest.approx((0 + 4) / 2)


def test_far_from_the_origin_the_distances_stay_exact():
    near = torch.randn(12, 8, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(12) // 3
    loss = MultiSampleTripletLoss(1.0)
    expected = plain_loop(near + 1000.0, labels, 1.0)
    assert loss(near + 1000.0, labels).item() == pytest.approx(expected.item(), rel=1e-5)


def test_the_order_of_the_batch_and_the_names_of_the_speakers_do_not_matter():
    embeddings, labels = torch.randn(12, 4, generator=torch.Generator().manual_seed(1)), torch.arange(12) % 4
    order = torch.randperm(12, generator=torch.Generator().manual_seed(2))
    loss = MultiSampleTripletLoss(0.5)
    assert loss(embeddings[order], 10 - labels[order]).item() == pytest.approx(
        loss(embeddings, labels).item()
    )


def test_no_active_anchor_gives_zero_with_a_zero_gradient():
    embeddings = torch.tensor([[0.0], [0.1], [100.0], [100.1]], requires_grad=True)
    loss = MultiSampleTripletLoss(0.2)(embeddings, torch.tensor([0, 0, 1, 1]))
    loss.backward()
    assert loss.item() == 0
    assert torch.equal(embeddings.grad, torch.zeros_like(embeddings))


def test_collapsed_embeddings_cost_exactly_the_margin():
    assert MultiSampleTripletLoss(0.3)(torch.ones(6, 4), torch.arange(6) // 2).item() == pytest.approx(0.3)


@pytest.mark.parametrize("labels", [[0, 0, 0, 0], [0, 1, 2, 3]])
def test_a_batch_without_negatives_or_positives_is_refused(labels):
    with pytest.raises(ValueError, match="a batch needs two speakers"):
        MultiSampleTripletLoss(0.2)(torch.randn(4, 3), torch.tensor(labels))


@pytest.mark.parametrize("margin", [0.0, -1.0, float("nan")])
def test_a_margin_that_is_not_positive_is_refused(margin):
    with pytest.raises(ValueError, match="margin must be positive"):
        MultiSampleTripletLoss(margin)


def test_shapes_that_do_not_fit_are_refused():
    loss = MultiSampleTripletLoss(0.2)
    with pytest.raises(ValueError, match="embeddings must be"):
        loss(torch.randn(4, 3), torch.tensor([0, 0, 1]))
    empty = NegativeSets(torch.zeros(3, 1, dtype=torch.long), torch.ones(3, 1, dtype=torch.bool))
    with pytest.raises(ValueError, match="one set per row"):
        loss(torch.randn(4, 3), torch.tensor([0, 0, 1, 1]), empty)


def test_half_precision_inputs_are_computed_in_float32():
    embeddings, labels = torch.randn(8, 16), torch.arange(8) // 2
    loss = MultiSampleTripletLoss(0.4)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        value = loss(embeddings, labels)
    assert value.dtype == torch.float32
    assert value.item() == pytest.approx(loss(embeddings, labels).item())
    assert loss(embeddings.half(), labels).dtype == torch.float32


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
