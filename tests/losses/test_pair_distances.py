"""Distances with a gradient that is written out, against autograd on the definition."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.autograd import gradcheck

from speakertrip.losses.pairs import band_distances, pair_distances
from speakertrip.miners import BandSets


@pytest.fixture(autouse=True, params=[2**21, 10], ids=["one block", "small blocks"])
def block_size(request, monkeypatch):
    monkeypatch.setattr("speakertrip.miners.distances.BLOCK_ELEMENTS", request.param)


@given(st.integers(1, 8), st.integers(0, 9), st.integers(0, 2**31))
def test_pairs_agree_with_differences(rows, pairs, seed):
    generator = torch.Generator().manual_seed(seed)
    vectors = torch.randn(rows, 3, dtype=torch.float64, generator=generator).requires_grad_()
    first, second = torch.randint(rows, (2, pairs), generator=generator)
    expected = (vectors[first] - vectors[second]).square().sum(dim=1)
    torch.testing.assert_close(pair_distances(vectors, first, second), expected)
    assert not pairs or gradcheck(pair_distances, (vectors, first, second))


@given(st.integers(2, 8), st.integers(1, 5), st.integers(0, 2**31))
def test_bands_agree_with_a_loop_over_sets(rows, sets, seed):
    generator = torch.Generator().manual_seed(seed)
    vectors = torch.randn(rows, 3, dtype=torch.float64, generator=generator).requires_grad_()
    anchors = torch.randperm(rows, generator=generator)[: rows - 1]
    bands = torch.randint(4, (len(anchors), rows), generator=generator, dtype=torch.uint8)
    first, last = torch.randint(4, (2, sets), generator=generator)
    anchor = torch.randint(len(anchors), (sets,), generator=generator)
    chosen = BandSets(anchors, bands, anchor, first, torch.maximum(last, first - 1))
    distances, counts = band_distances(vectors, chosen)
    marks = chosen.as_rows().mask
    assert torch.equal(counts, marks.sum(dim=1).to(counts))
    for term in range(sets):
        members = vectors[marks[term]]
        expected = (members - vectors[anchors[anchor[term]]]).square().sum() / max(1, len(members))
        torch.testing.assert_close(distances[term], expected)
    assert gradcheck(lambda x: band_distances(x, chosen)[0], vectors)
