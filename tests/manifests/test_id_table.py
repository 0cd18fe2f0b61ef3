import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakertrip.manifests import id_table
from speakertrip.manifests.id_table import LONGEST, IdTable, cells_of


def places(ids: list[str]) -> tuple[bytes, np.ndarray, np.ndarray]:
    encoded = [id_.encode() for id_ in ids]
    ends = np.cumsum([len(id_) + 1 for id_ in encoded]) - 1
    return b"".join(id_ + b" " for id_ in encoded), ends - [len(id_) for id_ in encoded], ends


long_ids = st.builds(
    lambda n, tail: "x" * n + tail, st.integers(LONGEST - 9, LONGEST + 3), st.sampled_from("abé")
)
some_ids = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
ids_lists = st.lists(some_ids | st.text("\0a", min_size=1, max_size=9) | long_ids, min_size=1, max_size=40)


@given(st.lists(ids_lists, min_size=1, max_size=4))
def test_rows_are_those_of_a_dictionary(batches):
    table, place = IdTable(), {}
    for ids in batches:
        found = table.find(*places(ids))
        assert found.tolist() == [place.get(id_, -1) for id_ in ids]
        rows = table.add(*places(ids))
        assert rows.dtype == np.int32
        assert rows.tolist() == [place.setdefault(id_, len(place)) for id_ in ids]
        assert table.ids == list(place)


def test_many_ids_in_few_places(monkeypatch):
    # With one factor for all words and none for most, hashes meet often; the answers stay.
    monkeypatch.setattr(id_table, "_FACTORS", np.zeros_like(id_table._FACTORS))
    ids = [f"{i}.wav" for i in range(300)]
    table = IdTable()
    assert table.add(*places(ids + ids)).tolist() == [*range(300), *range(300)]
    assert table.find(*places(["7.wav", "300.wav"])).tolist() == [7, -1]


def test_growth_keeps_the_rows():
    ids = [f"speaker-{i}/{i * 7 % 1000:05d}.wav" for i in range(20_000)]
    table = IdTable()
    for begin in range(0, len(ids), 3_000):
        table.add(*places(ids[begin : begin + 3_000]))
    assert table.ids == ids
    np.testing.assert_array_equal(table.find(*places(ids)), np.arange(len(ids)))


def test_a_table_of_ids_that_are_there(monkeypatch):
    monkeypatch.setattr(id_table, "_CHUNK", 2)
    ids = ["a", "b.wav", "\udce9", "ä" * 100, "d"]
    table = IdTable.of(ids)
    assert table.ids == ids
    assert table.find(*places(["d", "ä" * 100, "e", "a", "b.wav"])).tolist() == [4, 3, -1, 0, 1]
    assert IdTable.of([]).find(*places(["a"])).tolist() == [-1]


@pytest.mark.parametrize("width", [1, 8])
def test_cells(width):
    cells = cells_of(b"abcdef", np.array([0, 4, 6]), width)
    assert [row.tobytes() for row in cells] == [
        b"abcdef\0\0"[:width],
        b"ef".ljust(width, b"\0")[:width],
        bytes(width),
    ]
