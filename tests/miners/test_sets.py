import torch
from hypothesis import given
from hypothesis import strategies as st
from mining_cases import as_lists

from speakertrip.miners import BandSets, RowSets, SpeakerSets


@given(st.lists(st.integers(0, 3), min_size=1, max_size=9), st.data())
def test_sets_of_speakers_are_all_their_rows(labels, data):
    speakers, speaker, counts = torch.unique(torch.tensor(labels), return_inverse=True, return_counts=True)
    chosen = data.draw(st.lists(st.permutations(range(len(speakers))), max_size=4))
    sets = SpeakerSets(speaker, counts, torch.tensor(chosen).long().reshape(-1, len(speakers))[:, :2])
    expected = [sorted(i for i in range(len(labels)) if int(speaker[i]) in row[:2]) for row in chosen]
    assert [sorted(rows) for rows in as_lists(sets)] == expected


def test_sets_of_bands_are_runs_of_them():
    bands = torch.tensor([[0, 1, 2, 1], [3, 0, 0, 2]], dtype=torch.uint8)
    first, last = torch.tensor([[1, 0, 2], [2, 2, 1]])
    sets = BandSets(torch.tensor([5, 6]), bands, torch.tensor([0, 1, 1]), first, last)
    assert as_lists(sets) == [[1, 2, 3], [1, 2, 3], []]


def test_sets_of_rows_are_rows_already():
    sets = RowSets(torch.tensor([[0, 2]]), torch.tensor([[True, False]]))
    assert sets.as_rows() is sets
