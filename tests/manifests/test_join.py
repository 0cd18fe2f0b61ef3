from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakertrip.errors import DataError
from speakertrip.manifests import Trials
from speakertrip.manifests.join import _sort, join_pairs
from speakertrip.manifests.lines import ListLines

NO_LINES = ListLines("scores.txt", np.zeros(0, np.int64))
small = st.sampled_from("abc")
pairs = st.lists(st.tuples(small, small), min_size=1, max_size=8)
scored = st.lists(st.tuples(st.tuples(small, small), st.sampled_from([0.5, 0.5, 0.5, 2.0])), max_size=8)


def plain_join(wanted, rows):
    """Join by a dictionary; None where the rows do not fit the list."""
    table = dict(rows)
    times, listed = Counter(pair for pair, _ in rows), Counter(wanted)
    fits = all(count <= listed[pair] for pair, count in times.items()) and times.keys() == listed.keys()
    return [table[pair] for pair in wanted] if fits and all(table[p] == s for p, s in rows) else None


@given(pairs, scored | st.none(), st.integers(0, 2**20))
def test_as_by_a_dictionary(wanted, rows, seed):
    if rows is None:  # one that fits
        order = np.random.default_rng(seed).permutation(len(wanted))
        rows = [(wanted[i], float(hash(wanted[i]) % 97)) for i in order]
    rows = [(pair, score) for pair, score in rows if set(pair) <= {id_ for p in wanted for id_ in p}]
    trials = Trials.of([a for a, _ in wanted], [b for _, b in wanted], np.ones(len(wanted)))
    place = {id_: row for row, id_ in enumerate(trials.ids)}
    keys = np.array([place[a] * len(trials.ids) + place[b] for (a, b), _ in rows], dtype=np.int64)
    scores = np.array([score for _, score in rows])
    expected = plain_join(wanted, rows)
    if expected is None:
        with pytest.raises(DataError, match=r"^scores\.txt(, line \d+)?: "):
            join_pairs(trials, keys, scores, NO_LINES)
    else:
        assert join_pairs(trials, keys, scores, NO_LINES).tolist() == expected


@given(st.lists(st.integers(0, 20), max_size=30), st.sampled_from([5, 2**31 - 1]))
def test_the_order_is_stable(keys, ids):
    # So many ids that a key and a row do not fit into one number are sorted another way.
    pairs, order = _sort(np.array(keys, dtype=np.int64), ids)
    assert order.tolist() == sorted(range(len(keys)), key=keys.__getitem__)
    assert pairs.tolist() == sorted(keys)
