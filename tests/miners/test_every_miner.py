"""What holds for all miners alike."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from mining_cases import as_lists, batches

from speakertrip.losses import MultiSampleTripletLoss
from speakertrip.miners import (
    BatchHard,
    DistanceWeighted,
    Everything,
    HardestShare,
    HardestSpeakers,
    Random,
    SemiHard,
)

MAKERS = {
    "everything": Everything,
    "hardest share": lambda: HardestShare(0.3),
    "hardest speakers": lambda: HardestSpeakers(2),
    "batch-hard": BatchHard,
    "semi-hard": lambda: SemiHard(1.0),
    "random": lambda: Random(3, seed=0),
    "distance-weighted": lambda: DistanceWeighted(3, seed=0, farthest=2.0),
}
miners = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)


def miners_but(*names):
    """Those that a promise is made for."""
    return pytest.mark.parametrize("make", [MAKERS[name] for name in MAKERS if name not in names])


miners_without_chance = miners_but("random", "distance-weighted")  # they draw anew for each matrix


def sides(sets):
    return [side.as_rows() for side in (sets.positives, sets.negatives) if side is not None]


@miners
@given(batch=batches())
def test_sets_hold_rows_of_the_right_speakers_once(make, batch):
    embeddings, labels = batch
    sets = make()(embeddings, labels)
    for side, same in ((sets.positives, True), (sets.negatives, False)):
        for anchor, mined in zip(sets.anchors.tolist(), as_lists(side) if side else [], strict=bool(side)):
            assert len(set(mined)) == len(mined)
            assert anchor not in mined
            assert all((labels[j] == labels[anchor]) == same for j in mined)
        if side:
            indices = side.as_rows().indices
            assert ((indices >= 0) & (indices < len(labels))).all()


@miners_without_chance
@given(batch=batches(), data=st.data())
def test_mining_some_anchors_is_a_part_of_mining_all(make, batch, data):
    embeddings, labels = batch
    chosen = torch.tensor(data.draw(st.lists(st.integers(0, len(labels) - 1), min_size=1, unique=True)))
    some, everything = make()(embeddings, labels, anchors=chosen), make()(embeddings, labels)
    for anchor in chosen.tolist():
        for part, whole in zip(sides(some), sides(everything), strict=True):
            mine = [row for row, a in zip(as_lists(part), some.anchors.tolist(), strict=True) if a == anchor]
            all_ = [
                row
                for row, a in zip(as_lists(whole), everything.anchors.tolist(), strict=True)
                if a == anchor
            ]
            assert mine == all_


@miners
def test_small_blocks_change_nothing(make, monkeypatch):
    embeddings = torch.randn(12, 3, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([0, 0, 0, 1, 1, 2, 2, 3, 3, 3, 3, 4])
    whole = make()(embeddings, labels)
    monkeypatch.setattr("speakertrip.miners.distances.BLOCK_ELEMENTS", 20)
    blocks = make()(embeddings, labels)
    assert torch.equal(whole.anchors, blocks.anchors)
    if make not in (MAKERS["random"], MAKERS["distance-weighted"]):
        for one, other in zip(sides(whole), sides(blocks), strict=True):
            assert as_lists(one) == as_lists(other)


@miners
def test_mining_leaves_no_trace_in_the_graph_and_changes_no_input(make):
    embeddings = torch.randn(8, 3, requires_grad=True)
    before = embeddings.detach().clone()
    for side in sides(make()(embeddings, torch.arange(8) // 2)):
        assert not side.indices.requires_grad
    assert torch.equal(before, embeddings)


@miners
def test_no_anchors_give_no_sets(make):
    sets = make()(torch.randn(4, 3), torch.arange(4) // 2, anchors=torch.zeros(0, dtype=torch.long))
    assert len(sets.anchors) == 0
    assert all(len(side.indices) == 0 for side in sides(sets))


@miners
def test_half_precision_is_mined_in_float32(make):
    embeddings = torch.randn(8, 3).bfloat16()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        half = make()(embeddings, torch.arange(8) // 2)
    for one, other in zip(sides(half), sides(make()(embeddings.float(), torch.arange(8) // 2)), strict=True):
        assert as_lists(one) == as_lists(other)


@miners
def test_easing_takes_negatives_farther_away_and_ends(make):
    embeddings = torch.randn(24, 3, generator=torch.Generator().manual_seed(0))
    labels, distances, miner = torch.arange(24) // 2, [], make()
    while miner is not None:
        loss = MultiSampleTripletLoss(1.0)
        distances.append(
            float(loss.distances(embeddings, labels, miner(embeddings, labels)).to_negatives.mean())
        )
        miner, before = miner.easier(), miner
        assert len(distances) < 20
    if not isinstance(before, Random):  # chance goes up and down
        assert distances == sorted(distances)


@miners
def test_what_is_not_a_number_is_not_hidden(make):
    embeddings = torch.randn(8, 3)
    embeddings[0, 0] = torch.nan
    sets = make()(embeddings, torch.arange(8) // 2)
    assert MultiSampleTripletLoss(1.0)(embeddings, torch.arange(8) // 2, sets).isnan()


@miners
@pytest.mark.parametrize(
    ("embeddings", "labels", "anchors", "message"),
    [
        (
            torch.zeros(4),
            torch.arange(4),
            None,
            r"embeddings must be \(batch, dim\) and labels \(batch,\), not",
        ),
        (torch.zeros(4, 2), torch.arange(3), None, r"not \(4, 2\) and \(3,\)"),
        (torch.zeros(4, 2), torch.zeros(4, 1), None, r"not \(4, 2\) and \(4, 1\)"),
        (torch.zeros(0, 2), torch.arange(0), None, "the batch must hold at least one utterance"),
        (
            torch.zeros(4, 2),
            torch.arange(4),
            torch.zeros(2),
            r"anchors must be long \(anchors,\), not torch.float32",
        ),
        (
            torch.zeros(4, 2),
            torch.arange(4),
            torch.tensor(1),
            r"anchors must be long \(anchors,\), not torch.int64",
        ),
        (torch.zeros(4, 2), torch.arange(4), torch.tensor([1, 4]), r"rows in 0..3, not in 1..4"),
        (torch.zeros(4, 2), torch.arange(4), torch.tensor([-1]), r"rows in 0..3, not in -1..-1"),
    ],
)
def test_what_is_no_batch_is_refused(make, embeddings, labels, anchors, message):
    with pytest.raises(ValueError, match=message):
        make()(embeddings, labels, anchors)


@miners_but("everything", "random", "distance-weighted")  # which rank nothing, or look at unit length
@pytest.mark.parametrize("offset", [0.0, 1e4])
def test_groups_that_are_far_apart_are_ranked_as_each_alone(make, offset):
    """The centre of the batch lies between them: squared norms of 1e8 leave float32 no digit of distances of 1."""
    generator = torch.Generator().manual_seed(0)
    # Steps of 1/64 are exact at 1e4 too.
    group = (64 * torch.randn(24, 8, generator=generator)).round() / 64
    labels = torch.arange(24) // 3
    far = torch.cat([group - offset, group[:3] + offset + 1e3])
    both = make()(far, torch.cat([labels, labels[:3] + 50]), anchors=torch.arange(24))
    alone = make()(
        torch.cat([group, group[:3] + 1e3]).double(),
        torch.cat([labels, labels[:3] + 50]),
        anchors=torch.arange(24),
    )
    assert torch.equal(both.anchors, alone.anchors)
    for one, other in zip(sides(both), sides(alone), strict=True):
        assert [sorted(rows) for rows in as_lists(one)] == [sorted(rows) for rows in as_lists(other)]


@pytest.mark.parametrize("make", [MAKERS[name] for name in ("hardest speakers", "semi-hard")])
def test_few_speakers_of_many_utterances_take_no_pairs_x_batch_memory(make):
    size = 512  # with pairs x batch a byte each: 67 MB; the largest speaker for each anchor: 3.7 MB
    generator = torch.Generator().manual_seed(0)
    embeddings, labels = torch.randn(size, 8, generator=generator), (torch.arange(size) % 10 == 0).long()
    with torch.profiler.profile(
        activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True, acc_events=True
    ) as profile:
        sets = make()(embeddings, labels)
        loss = MultiSampleTripletLoss(0.4, softplus_scale=1.0)
        loss(embeddings.requires_grad_(), labels, sets).backward()
    largest = max(event.cpu_memory_usage for event in profile.events())
    assert largest <= 60 * size * size
