import math

import pytest
import torch
from hypothesis import given
from loss_cases import batches, plain_loop
from torch.nn import functional

from speakertrip.losses import MultiSampleTripletLoss, batch_eer, triplet_health
from speakertrip.metrics import det_curve, equal_error_rate


def health_of(embeddings, labels, margin):
    loss = MultiSampleTripletLoss(margin)
    return triplet_health(embeddings, labels, loss.distances(embeddings, labels), margin)


@given(batches())
def test_agrees_with_plain_loops(batch):
    embeddings, labels, margin = batch
    health = health_of(embeddings, labels, margin)
    excess = plain_loop(embeddings, labels, margin, cost=lambda excess: excess)
    assert health.active == pytest.approx(float((excess > 0).double().mean()), abs=1 / len(excess))
    assert health.loss_over_margin * margin == pytest.approx(float(excess.relu().mean()), rel=1e-4, abs=1e-4)
    gap = health.to_positives - health.to_negatives + margin
    assert gap == pytest.approx(float(excess.mean()), rel=1e-4, abs=1e-4)
    units = functional.normalize(embeddings.double(), dim=1)
    different = labels[:, None] != labels
    assert health.between_speakers == pytest.approx(float((units @ units.T)[different].mean()), abs=1e-5)
    deviation = units.var(dim=0, correction=0).mean().sqrt() * math.sqrt(units.shape[1])
    assert health.spread == pytest.approx(float(deviation), abs=1e-3)


def test_a_collapsed_batch_and_one_that_fills_the_sphere():
    labels = torch.arange(64) // 2
    collapsed = health_of(torch.ones(64, 8) + 1e-5 * torch.randn(64, 8), labels, 0.3)
    assert collapsed.loss_over_margin == pytest.approx(1.0, abs=1e-3)
    assert collapsed.between_speakers > 0.999
    assert collapsed.spread < 0.01
    generator = torch.Generator().manual_seed(0)
    spread = health_of(functional.normalize(torch.randn(64, 8, generator=generator), dim=1), labels, 0.3)
    assert abs(spread.between_speakers) < 0.1
    assert spread.spread > 0.9


def test_no_anchors_leave_what_needs_none():
    loss, embeddings, labels = MultiSampleTripletLoss(0.5), torch.randn(4, 3), torch.arange(4) // 2
    distances = loss.distances(embeddings, labels)
    none = type(distances)(distances.to_positives[:0], distances.to_negatives[:0])
    health = triplet_health(embeddings, labels, none, 0.5)
    assert (health.active, health.loss_over_margin, health.to_positives) == (0, 0, 0)
    assert health.spread > 0


def test_the_batch_eer_is_that_of_all_pairs():
    generator = torch.Generator().manual_seed(0)
    embeddings, labels = torch.randn(20, 4, generator=generator), torch.arange(20) // 4
    units = functional.normalize(embeddings, dim=1)
    pairs = [(i, j) for i in range(20) for j in range(i + 1, 20)]
    scores = [float(units[i] @ units[j]) for i, j in pairs]
    targets = [bool(labels[i] == labels[j]) for i, j in pairs]
    assert batch_eer(embeddings, labels) == pytest.approx(equal_error_rate(det_curve(scores, targets)))
    assert batch_eer(embeddings, labels, rows=8) != batch_eer(embeddings, labels)
    assert math.isnan(batch_eer(embeddings, torch.arange(20)))


def test_rows_of_nothing_fill_no_sphere():
    assert health_of(torch.zeros(8, 4), torch.arange(8) // 2, 0.3).spread == 0
