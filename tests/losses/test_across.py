"""Several processes with parts of a batch give what one process with the whole batch gives."""

import copy
import dataclasses

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from speakertrip.losses import (
    AdaptiveMargin,
    MultiSampleTripletLoss,
    TripletLoss,
    gather_batch,
    triplet_health,
)
from speakertrip.miners import (
    BatchHard,
    EmbeddingMemory,
    HardestShare,
    HardestSpeakers,
    SemiHard,
    TripletSets,
)

DIM = 5
# Unbalanced on purpose: a speaker on one process only, one on all, lone utterances, and a process with little.
LABELS = torch.tensor([7, 7, 3, 3, 3, 9, 7, 1, 1, 9, 9, 7, 3, 5, 1, 1, 7, 3, 9, 1])
ENDS = {2: [0, 13, 20], 4: [0, 9, 10, 10, 20]}  # the third of four has no rows at all


def parts(rank, world):
    rows = slice(*ENDS[world][rank : rank + 2])
    inputs = torch.randn(len(LABELS), 3, generator=torch.Generator().manual_seed(0)) + 5.0
    return inputs, rows


def encoder():
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, DIM))


def losses():
    yield MultiSampleTripletLoss(1.0), None
    yield MultiSampleTripletLoss(1.0, softplus_scale=5.0), None
    yield MultiSampleTripletLoss(0.3, reduction="active"), None
    yield MultiSampleTripletLoss(0.5), HardestShare(0.3)
    yield MultiSampleTripletLoss(0.5, reduction="active"), BatchHard()
    yield MultiSampleTripletLoss(0.5), SemiHard(0.5)
    yield MultiSampleTripletLoss(0.5), HardestSpeakers(2)


def check_loss_and_gradients(rank, world):
    inputs, rows = parts(rank, world)
    for loss, miner in losses():
        whole, part = encoder(), DistributedDataParallel(encoder())
        alone = copy.deepcopy(loss)
        alone.across = False
        embeddings = whole(inputs)
        embeddings.retain_grad()
        expected = alone(embeddings, LABELS, miner and miner(embeddings, LABELS))
        expected.backward()

        own = part(inputs[rows])
        own.retain_grad()
        if miner is None:
            value = loss(own, LABELS[rows])
        else:
            everybody, labels, anchors = gather_batch(own, LABELS[rows])
            assert torch.equal(labels, LABELS)
            assert anchors.tolist() == list(range(len(LABELS)))[rows]
            value = loss(everybody, labels, miner(everybody, labels, anchors))
        value.backward()
        torch.testing.assert_close(value, expected, rtol=1e-6, atol=1e-6)
        torch.testing.assert_close(own.grad / world, embeddings.grad[rows], rtol=1e-6, atol=1e-6)
        for ours, theirs in zip(part.parameters(), whole.parameters(), strict=True):
            torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-6, atol=1e-6)


def check_a_speaker_of_nearly_all_rows(rank, world):
    inputs, rows = parts(rank, world)
    labels = (torch.arange(len(LABELS)) % 10 == 5).long()
    whole, own = inputs.requires_grad_(), inputs[rows].detach().requires_grad_()
    expected = MultiSampleTripletLoss(20.0, across=False)(whole, labels)
    expected.backward()
    value = MultiSampleTripletLoss(20.0)(own, labels[rows])
    value.backward()
    torch.testing.assert_close(value, expected, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(own.grad / world, whole.grad[rows], rtol=1e-6, atol=1e-6)


def check_one_sample_loss(rank, world):
    generator = torch.Generator().manual_seed(2)
    triplets = torch.randn(3, 20, DIM, generator=generator)
    rows = slice(*ENDS[world][rank : rank + 2])  # one of four has no triplet
    own = triplets[:, rows].clone().requires_grad_()
    value = TripletLoss(0.5)(*own)
    value.backward()
    whole = triplets.requires_grad_()
    expected = TripletLoss(0.5, across=False)(*whole)
    expected.backward()
    torch.testing.assert_close(value, expected, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(own.grad / world, whole.grad[:, rows], rtol=1e-6, atol=1e-6)


def check_only_sums_travel(rank, world):
    moved = []
    originals = dist.all_reduce, dist.all_gather

    def spy(original):
        def call(tensors, *rest, **named):
            moved.extend(each.numel() for each in (tensors if isinstance(tensors, list) else [tensors]))
            return original(tensors, *rest, **named)

        return call

    dist.all_reduce, dist.all_gather = map(spy, originals)
    try:
        embeddings = torch.randn(400, DIM, requires_grad=True)  # of 4 speakers
        MultiSampleTripletLoss(1.0)(embeddings, torch.arange(400) % 4).backward()
    finally:
        dist.all_reduce, dist.all_gather = originals
    assert moved
    assert max(moved) <= 4 * world * (DIM + 2)


def check_a_batch_without_negatives_is_refused_by_all(rank, world):
    with pytest.raises(ValueError, match="a batch needs two speakers"):
        MultiSampleTripletLoss(1.0)(torch.randn(4, DIM), torch.zeros(4, dtype=torch.long))
    # On one process there is one speaker; together there are several.
    MultiSampleTripletLoss(1.0)(torch.randn(4, DIM), torch.full((4,), rank))
    alone = MultiSampleTripletLoss(1.0, across=False)
    with pytest.raises(ValueError, match="a batch needs two speakers"):
        alone(torch.randn(4, DIM), torch.full((4,), rank))


def check_a_memory_of_all_processes(rank, world):
    memory = EmbeddingMemory(64, DIM)
    embeddings, labels, own = gather_batch(torch.randn(4, DIM), torch.arange(4) + 4 * rank)
    memory.push(embeddings, labels)
    assert len(memory) == 4 * world
    everybody, their_labels = memory.join(embeddings, labels)
    sets = HardestShare(0.5)(everybody, their_labels, own)
    assert sets.negatives.mask.all()
    assert MultiSampleTripletLoss(1.0)(everybody, their_labels, sets).isfinite()


def check_health_and_adaptive_margin_agree(rank, world):
    inputs, rows = parts(rank, world)
    embeddings = encoder()(inputs).detach()
    loss, alone = MultiSampleTripletLoss(0.05), MultiSampleTripletLoss(0.05, across=False)
    distances = loss.distances(embeddings[rows], LABELS[rows])
    ours = triplet_health(embeddings[rows], LABELS[rows], distances, 0.05)
    whole = triplet_health(embeddings, LABELS, alone.distances(embeddings, LABELS), 0.05, across=False)
    for name, value in dataclasses.asdict(whole).items():
        assert getattr(ours, name) == pytest.approx(value, rel=1e-5, abs=1e-6), name
    margins = [None] * world
    margin = AdaptiveMargin(0.05, lowest=0.01, rate=0.1)
    margin.update(ours.active)
    dist.all_gather_object(margins, margin.value)
    assert len(set(margins)) == 1
    assert margins[0] != 0.05


def check_all_raise_where_one_does(rank, world):
    loss, labels, ill = MultiSampleTripletLoss(1.0), torch.arange(4) // 2, rank == world - 1
    embeddings = torch.randn(3 if ill else 4, DIM)
    triplets = torch.randn(4, DIM), torch.randn(4, DIM), torch.randn(3 if ill else 4, DIM)
    points = torch.randn(4, DIM), torch.randn(4, 2, DIM), torch.randn(3 if ill else 4, 2, DIM)
    everything = TripletSets(torch.arange(4))
    for call, message in (
        (lambda: loss(embeddings, labels), "embeddings must be"),
        (lambda: loss(embeddings, labels, everything), "embeddings must be"),
        (lambda: gather_batch(embeddings, labels), "embeddings must be"),
        (lambda: TripletLoss(1.0)(*triplets), "of one shape"),
        (lambda: loss.explicit(*points), "anchors must be"),
    ):
        with pytest.raises(ValueError, match=message if ill else "another process refused its part"):
            call()
    assert loss(torch.randn(4, DIM), labels).isfinite()  # and none waits for another


def worker(rank, world, meeting_place):
    torch.set_num_threads(1)
    dist.init_process_group("gloo", f"file://{meeting_place}", rank=rank, world_size=world)
    check_loss_and_gradients(rank, world)
    check_a_speaker_of_nearly_all_rows(rank, world)
    check_one_sample_loss(rank, world)
    check_only_sums_travel(rank, world)
    check_a_batch_without_negatives_is_refused_by_all(rank, world)
    check_a_memory_of_all_processes(rank, world)
    check_health_and_adaptive_margin_agree(rank, world)
    check_all_raise_where_one_does(rank, world)
    dist.destroy_process_group()


@pytest.mark.parametrize("world", [2, 4])
def test_processes_together_are_one_process(world, tmp_path):
    mp.spawn(worker, args=(world, tmp_path / "meeting"), nprocs=world)


def test_one_process_gathers_nothing():
    embeddings, labels = torch.randn(4, 2), torch.tensor([0, 0, 1, 1])
    everybody, their_labels, own = gather_batch(embeddings, labels)
    assert everybody is embeddings
    assert their_labels is labels
    assert own.tolist() == [0, 1, 2, 3]
