import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakertrip.backend import unit_rows
from speakertrip.backend.ranking import Terms
from speakertrip.enrollment.search import nearest as room
from speakertrip.enrollment.search.nearest import Table, nearest


def draw(rng, count, dim=8):
    return unit_rows(rng.standard_normal((count, dim)).astype(np.float32))


def probes_of(rng, count, scale=1.0):
    return Terms(draw(rng, count), np.full(count, scale, np.float32), np.zeros(count, np.float32))


@given(
    st.integers(0, 10**6), st.integers(1, 60), st.integers(1, 9), st.integers(1, 70),
    st.booleans(), st.sampled_from([1, 7, 16, 64]), st.floats(0, 1),
)  # fmt: skip
def test_the_nearest_are_those_of_a_full_sort(seed, rows, probes, count, terms, block, holes):
    rng = np.random.default_rng(seed)
    empty = np.flatnonzero(rng.random(rows) < holes)
    both = rng.uniform(0.5, 2, (rows, 2)).astype(np.float32) if terms else None
    table, some = Table(draw(rng, rows), both, empty), probes_of(rng, probes)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(room, "BLOCK", block)
        patch.setattr(room, "PROBES", 4)
        found = nearest(table, some, count)
    keys = some.rows @ table.rows.T
    if both is not None:
        keys = (1 + both[:, 0]) * keys + both[:, 1]
    keys[:, empty] = -np.inf
    for each, row in zip(found, keys, strict=True):
        expected = np.argsort(-row, kind="stable")[: min(count, rows - len(empty))]
        assert each.rows.tolist() == expected.tolist()
        np.testing.assert_allclose(each.keys, row[expected], atol=1e-5)


def test_rows_in_the_worst_order():
    rng = np.random.default_rng(0)
    probe = probes_of(rng, 1)
    rows = draw(rng, 40_000)
    rows = rows[np.argsort(rows @ probe.rows[0])]
    [found] = nearest(Table(rows, None, np.empty(0, np.int64)), probe, 3)
    assert found.rows.tolist() == [39_999, 39_998, 39_997]


def test_equal_rows_are_ordered_by_row():
    rows = np.ones((5, 1), np.float32)
    [found] = nearest(Table(rows, None, np.array([1])), Terms(rows[:1], rows[0], rows[0]), 9)
    assert found.rows.tolist() == [0, 2, 3, 4]
