import torch
from hypothesis import given
from hypothesis import strategies as st
from mining_cases import batches, exact_distances, tolerance

from speakertrip.miners.distances import (
    BLOCK_ELEMENTS,
    as_float,
    centred,
    in_blocks,
    rank_in_blocks,
    squared_distances,
)


@given(batches(), st.data())
def test_squared_distances_agree_with_differences(batch, data):
    embeddings, _ = batch
    rows = torch.tensor(data.draw(st.lists(st.integers(0, len(embeddings) - 1), min_size=1)))
    distances = squared_distances(centred(embeddings)[rows], centred(embeddings))
    assert (distances >= 0).all()
    exact = exact_distances(embeddings)[rows]
    torch.testing.assert_close(distances.double(), exact, rtol=0, atol=tolerance(embeddings))


def test_distances_to_other_points():
    vectors, points = torch.tensor([[0.0], [2.0]]), torch.tensor([[1.0], [5.0], [2.0]])
    assert squared_distances(vectors[1:], points).tolist() == [[1, 9, 0]]


@given(st.integers(0, 50), st.integers(0, 3 * BLOCK_ELEMENTS))
def test_blocks_hold_every_anchor_once_within_the_bound(count, width):
    blocks = [torch.arange(count)[block] for block in in_blocks(count, width)]
    assert torch.cat(blocks).tolist() == list(range(count))
    assert all(len(block) * width <= BLOCK_ELEMENTS or len(block) == 1 for block in blocks)


def test_only_anchors_whose_decisive_distance_is_too_small_are_ranked_again_in_float64():
    embeddings = torch.tensor([[0.0], [1e-3], [100.0], [-100.0]])
    seen = []

    def choose(places, rows, distances):
        seen.append((places.tolist(), rows.tolist(), distances.dtype))
        return distances.scatter(1, rows[:, None], torch.inf).amin(dim=1)

    rank_in_blocks(embeddings, torch.tensor([3, 1, 2, 0]), choose)
    assert seen == [([0, 1, 2, 3], [3, 1, 2, 0], torch.float32), ([1, 3], [1, 0], torch.float64)]


def test_half_precision_becomes_float32_and_float64_stays():
    assert as_float(torch.zeros(1, 1, dtype=torch.float16)).dtype == torch.float32
    assert as_float(torch.zeros(1, 1, dtype=torch.float64)).dtype == torch.float64
