import torch
from hypothesis import given
from hypothesis import strategies as st
from mining_cases import batches, exact_distances, tolerance

from speakertrip.miners.distances import (
    BLOCK_ELEMENTS,
    all_rows,
    as_float,
    centred,
    row_blocks,
    squared_distances,
)


@given(batches(), st.data())
def test_squared_distances_agree_with_differences(batch, data):
    embeddings, _ = batch
    rows = torch.tensor(data.draw(st.lists(st.integers(0, len(embeddings) - 1), min_size=1)))
    distances = squared_distances(centred(embeddings), rows)
    assert (distances >= 0).all()
    exact = exact_distances(embeddings)[rows]
    torch.testing.assert_close(distances.double(), exact, rtol=0, atol=tolerance(embeddings))


def test_distances_to_other_points():
    vectors, points = torch.tensor([[0.0], [2.0]]), torch.tensor([[1.0], [5.0], [2.0]])
    assert squared_distances(vectors, torch.tensor([1]), points).tolist() == [[1, 9, 0]]


@given(st.integers(0, 50), st.integers(0, 3 * BLOCK_ELEMENTS))
def test_blocks_hold_every_anchor_once_within_the_bound(count, width):
    blocks = list(row_blocks(torch.arange(count), width))
    assert torch.cat(blocks).tolist() == list(range(count))
    assert all(len(block) * width <= BLOCK_ELEMENTS or len(block) == 1 for block in blocks)


def test_half_precision_becomes_float32_and_float64_stays():
    assert as_float(torch.zeros(1, 1, dtype=torch.float16)).dtype == torch.float32
    assert as_float(torch.zeros(1, 1, dtype=torch.float64)).dtype == torch.float64


def test_no_anchors_named_are_all_rows():
    assert all_rows(torch.zeros(3, 2), None).tolist() == [0, 1, 2]
    assert all_rows(torch.zeros(3, 2), torch.tensor([1])).tolist() == [1]
