import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from speakertrip.miners import HardestShare


@given(st.integers(2, 14), st.integers(1, 4), st.floats(0.01, 1.0), st.integers(0, 2**31))
def test_agrees_with_sorting_each_row(size, dim, share, seed):
    generator = torch.Generator().manual_seed(seed)
    embeddings = torch.randn(size, dim, generator=generator, dtype=torch.float32)
    labels = torch.randint(0, 4, (size,), generator=generator)
    sets = HardestShare(share)(embeddings, labels)
    exact = torch.cdist(embeddings.double(), embeddings.double(), compute_mode="donot_use_mm_for_euclid_dist")
    for i in range(size):
        negatives = [j for j in range(size) if labels[j] != labels[i]]
        wanted = sorted(exact[i, negatives].tolist())[: math.ceil(share * len(negatives) - 1e-6)]
        mined = sets.indices[i][sets.mask[i]].tolist()
        assert set(mined) <= set(negatives)
        assert len(set(mined)) == len(mined)
        assert sorted(exact[i, mined].tolist()) == pytest.approx(wanted, abs=1e-3)


def test_all_of_the_negatives_with_a_share_of_one():
    labels = torch.tensor([0, 0, 1, 2])
    sets = HardestShare(1.0)(torch.randn(4, 3), labels)
    assert [sorted(row[kept].tolist()) for row, kept in zip(sets.indices, sets.mask, strict=True)] == [
        [2, 3],
        [2, 3],
        [0, 1, 3],
        [0, 1, 2],
    ]


def test_one_negative_at_least_and_none_without_a_second_speaker():
    assert HardestShare(0.001)(torch.randn(6, 3), torch.arange(6) // 2).mask.sum(dim=1).tolist() == [1] * 6
    assert not HardestShare(0.5)(torch.randn(4, 3), torch.zeros(4, dtype=torch.long)).mask.any()


def test_mining_leaves_no_trace_in_the_graph():
    sets = HardestShare(0.5)(torch.randn(4, 3, requires_grad=True), torch.tensor([0, 0, 1, 1]))
    assert not sets.indices.requires_grad


@pytest.mark.parametrize("share", [0.0, -0.1, 1.5, float("nan")])
def test_a_share_out_of_range_is_refused(share):
    with pytest.raises(ValueError, match="share must lie"):
        HardestShare(share)
