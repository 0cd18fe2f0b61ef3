import torch
from hypothesis import given
from hypothesis import strategies as st
from mining_cases import as_lists

from speakertrip.miners import RowSets


@given(st.lists(st.lists(st.booleans(), min_size=4, max_size=4), max_size=6))
def test_sets_of_a_matrix(rows):
    chosen = torch.tensor(rows, dtype=torch.bool).reshape(-1, 4)
    assert as_lists(RowSets.of(chosen)) == [[j for j in range(4) if row[j]] for row in rows]


def test_blocks_of_different_widths_are_joined():
    blocks = [torch.tensor([[True, True, True]]), torch.tensor([[False, False, True], [False] * 3])]
    assert as_lists(RowSets.join([RowSets.of(block) for block in blocks])) == [[0, 1, 2], [2], []]
