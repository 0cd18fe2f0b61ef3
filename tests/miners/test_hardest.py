import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from mining_cases import as_lists, batches, exact_distances, negatives_of, positives_of, tolerance

from speakertrip.miners import BatchHard, HardestShare, HardestSpeakers


@given(batches(), st.floats(0.01, 1.0))
def test_the_hardest_share_agrees_with_sorting_each_row(batch, share):
    embeddings, labels = batch
    exact = exact_distances(embeddings)
    for i, mined in enumerate(as_lists(HardestShare(share)(embeddings, labels).negatives)):
        negatives = negatives_of(labels, i)
        wanted = sorted(exact[i, negatives].tolist())[: math.ceil(share * len(negatives) - 1e-6)]
        assert set(mined) <= set(negatives)
        assert len(set(mined)) == len(mined)
        assert sorted(exact[i, mined].tolist()) == pytest.approx(wanted, abs=tolerance(embeddings))


@given(batches(), st.integers(1, 5))
def test_the_hardest_speakers_agree_with_a_loop_over_speakers(batch, k):
    embeddings, labels = batch
    exact = exact_distances(embeddings)
    for i, mined in enumerate(as_lists(HardestSpeakers(k)(embeddings, labels).negatives)):
        means = {
            speaker: float(exact[i, labels == speaker].mean())
            for speaker in set(labels.tolist()) - {int(labels[i])}
        }
        chosen = {int(labels[j]) for j in mined}
        assert sorted(mined) == [j for j in range(len(labels)) if int(labels[j]) in chosen]  # whole speakers
        assert len(chosen) == min(k, len(means))
        expected = sorted(means.values())[:k]
        assert sorted(means[speaker] for speaker in chosen) == pytest.approx(
            expected, abs=tolerance(embeddings)
        )


@given(batches())
def test_batch_hard_agrees_with_the_extremes_of_each_row(batch):
    embeddings, labels = batch
    exact = exact_distances(embeddings)
    sets = BatchHard()(embeddings, labels)
    for i, (positive, negative) in enumerate(
        zip(as_lists(sets.positives), as_lists(sets.negatives), strict=True)
    ):
        for mined, candidates, extreme in (
            (positive, positives_of(labels, i), max),
            (negative, negatives_of(labels, i), min),
        ):
            assert len(mined) == min(1, len(candidates))
            if mined:
                assert mined[0] in candidates
                wanted = extreme(exact[i, candidates].tolist())
                assert float(exact[i, mined[0]]) == pytest.approx(wanted, abs=tolerance(embeddings))


def test_batch_hard_agrees_with_a_peer_library():
    miners = pytest.importorskip("pytorch_metric_learning.miners")
    distances = pytest.importorskip("pytorch_metric_learning.distances")
    embeddings = torch.randn(24, 6, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(24) % 6
    peer = miners.BatchHardMiner(distance=distances.LpDistance(normalize_embeddings=False, power=2))
    sets = BatchHard()(embeddings, labels)
    ours = (sets.anchors, sets.positives.indices[:, 0], sets.negatives.indices[:, 0])
    for mine, theirs in zip(ours, peer(embeddings, labels), strict=True):
        assert torch.equal(mine, theirs)


def test_all_of_the_negatives_with_a_share_of_one():
    sets = HardestShare(1.0)(torch.randn(4, 3), torch.tensor([0, 0, 1, 2]))
    assert [sorted(row) for row in as_lists(sets.negatives)] == [[2, 3], [2, 3], [0, 1, 3], [0, 1, 2]]


def test_one_negative_at_least_and_none_without_a_second_speaker():
    assert (
        HardestShare(0.001)(torch.randn(6, 3), torch.arange(6) // 2).negatives.mask.sum(dim=1).tolist()
        == [1] * 6
    )
    lone = torch.zeros(4, dtype=torch.long)
    for miner in (HardestShare(0.5), HardestSpeakers(2), BatchHard()):
        assert not miner(torch.randn(4, 3), lone).negatives.as_rows().mask.any()


@pytest.mark.parametrize("share", [0.0, -0.1, 1.5, float("nan")])
def test_a_share_out_of_range_is_refused(share):
    with pytest.raises(ValueError, match="share must lie"):
        HardestShare(share)


def test_no_speakers_are_refused():
    with pytest.raises(ValueError, match="k must be at least 1"):
        HardestSpeakers(0)


def test_easier_miners_see_more():
    assert HardestShare(0.3).easier().share == 0.6
    assert HardestShare(0.8).easier().share == 1.0
    assert HardestSpeakers(3).easier().k == 6
    assert BatchHard().easier().share == 0.05
