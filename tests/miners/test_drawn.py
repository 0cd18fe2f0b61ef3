import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from mining_cases import as_lists, batches, negatives_of
from torch.nn import functional

from speakertrip.miners import DistanceWeighted, Random, distances


@given(batches(), st.integers(1, 6), st.integers(0, 100))
def test_random_draws_as_many_as_there_are(batch, count, seed):
    embeddings, labels = batch
    for i, mined in enumerate(as_lists(Random(count, seed)(embeddings, labels).negatives)):
        assert len(mined) == min(count, len(negatives_of(labels, i)))


def test_random_is_uniform():
    embeddings, labels = torch.randn(6, 2), torch.tensor([0, 1, 2, 3, 4, 5])
    miner = Random(2, seed=0)
    counts = torch.zeros(6)
    for _ in range(1_500):
        counts += torch.bincount(miner(embeddings, labels).negatives.indices[0], minlength=6)
    assert counts[0] == 0
    expected = 2 * 1_500 / 5
    assert (counts[1:] - expected).abs().max() < 5 * math.sqrt(expected)


def test_distance_weighted_draws_by_one_over_the_density_of_distances():
    generator = torch.Generator().manual_seed(1)
    embeddings = functional.normalize(torch.randn(8, 3, generator=generator), dim=1)
    labels = torch.arange(8)
    distances = torch.cdist(embeddings[:1].double(), embeddings[1:].double())[0].clamp_min(0.5)
    # In three dimensions q(d) ~ d, and nothing lies beyond 2.
    expected = (1 / distances) / (1 / distances).sum()
    miner = DistanceWeighted(1, seed=0, farthest=2.0)
    counts = torch.zeros(8, dtype=torch.float64)
    for _ in range(4_000):
        counts += torch.bincount(miner(embeddings, labels).negatives.indices[0], minlength=8)
    deviation = (4_000 * expected * (1 - expected)).sqrt()
    assert ((counts[1:] - 4_000 * expected).abs() < 5 * deviation).all()


def test_distance_weighted_leaves_out_what_is_too_far():
    embeddings = torch.tensor([[1.0, 0.0, 0.0], [0.9, 0.1, 0.0], [-1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    mined = as_lists(DistanceWeighted(3, seed=0)(embeddings, torch.arange(4)).negatives)
    assert sorted(mined[0]) == [1]  # the third is at 2, the fourth at 1.41


def test_the_number_of_the_call_and_the_seed_decide_the_draw():
    embeddings, labels = torch.randn(12, 4), torch.arange(12) // 2
    for miner in (Random, DistanceWeighted):
        first = miner(2, seed=3)
        draws = [first(embeddings, labels).negatives.indices for _ in range(3)]
        assert not torch.equal(draws[0], draws[1])
        assert torch.equal(draws[2], miner(2, seed=3, start=2)(embeddings, labels).negatives.indices)
        assert not torch.equal(draws[0], miner(2, seed=4)(embeddings, labels).negatives.indices)


def test_options_out_of_range_are_refused():
    with pytest.raises(ValueError, match="count must be at least 1"):
        Random(0, seed=0)
    for nearest, farthest in ((0.0, 1.0), (1.0, 0.5), (0.5, 2.5)):
        with pytest.raises(ValueError, match="0 < nearest < farthest <= 2"):
            DistanceWeighted(1, seed=0, nearest=nearest, farthest=farthest)


@given(batches(), st.integers(1, 4), st.integers(1, 3), st.randoms(use_true_random=False))
@pytest.mark.parametrize("kind", [Random, DistanceWeighted])
def test_who_shares_the_anchors_draws_as_one_who_has_all(kind, batch, count, shares, random):
    embeddings, labels = batch
    whole = as_lists(kind(count, seed=3)(embeddings, labels).negatives)
    rows = list(range(len(labels)))
    random.shuffle(rows)
    for share in (rows[first::shares] for first in range(shares)):
        mined = kind(count, seed=3)(embeddings, labels, torch.tensor(share, dtype=torch.long))
        assert as_lists(mined.negatives) == [whole[row] for row in share]


def test_what_is_drawn_in_blocks_for_a_share_is_what_is_drawn_for_all(monkeypatch):
    monkeypatch.setattr(distances, "BLOCK_ELEMENTS", 50)
    embeddings, labels = torch.randn(23, 5), torch.arange(23) // 3
    whole = as_lists(Random(4, seed=0)(embeddings, labels).negatives)
    own = torch.tensor([22, 3, 9, 9, 14])
    assert as_lists(Random(4, seed=0)(embeddings, labels, own).negatives) == [whole[row] for row in own]
