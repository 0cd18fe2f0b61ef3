import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from speakertrip.losses.distances import AnchorDistances, distances_to_points, distances_to_sets
from speakertrip.miners import RowSets


@pytest.mark.parametrize("wide", [16, 1e-9], ids=["matrix product", "bag"])
@given(chosen=st.lists(st.lists(st.booleans(), min_size=7, max_size=7), min_size=1, max_size=5))
def test_agrees_with_a_loop_over_each_set(wide, chosen):
    vectors = torch.randn(7, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    marks, anchors = torch.tensor(chosen), torch.arange(len(chosen)) % 3  # an anchor may come again
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("speakertrip.losses.distances.WIDE", wide)
        distances, filled = distances_to_sets(
            vectors, anchors, RowSets(torch.arange(7).expand(marks.shape), marks)
        )
    assert torch.equal(filled, marks.any(dim=1))
    for term, anchor in enumerate(anchors):
        rows = marks[term].nonzero()[:, 0]
        if len(rows):
            expected = (vectors[rows] - vectors[anchor]).square().sum(dim=1).mean()
            torch.testing.assert_close(distances[term], expected)


def test_points_whose_place_does_not_count_may_hold_anything():
    points = torch.tensor([[[1.0, 0.0], [float("inf"), 0.0]], [[float("nan"), 0.0], [0.0, 3.0]]])
    mask = torch.tensor([[True, False], [False, True]])
    assert distances_to_points(torch.zeros(2, 2), points, mask).tolist() == [1.0, 9.0]


def test_some_anchors_of_all():
    distances = AnchorDistances(torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0]))
    assert distances.of(torch.tensor([True, True])) is distances
    assert distances.of(torch.tensor([False, True])).to_negatives.tolist() == [4.0]
