from collections import Counter
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakertrip.corpora.pairs import Candidates, Pairs

candidate = st.tuples(st.integers(0, 3), st.integers(0, 1), st.integers(0, 3), st.integers(0, 2))


def columns(rows: list[tuple[int, int, int, int]], across: bool) -> Candidates:
    table = np.array(rows, dtype=np.int64).reshape(-1, 4).T
    return Candidates(table[0], table[1], table[2], table[3] if across else None)


def plain_pairs(first, second, across: bool) -> set[tuple[int, int]]:
    """List what the conditions allow, pair by pair; unordered ones with the smaller number first."""
    others = first if second is None else second
    return {
        (i, j) if second is not None else (min(i, j), max(i, j))
        for (i, a), (j, b) in product(enumerate(first), enumerate(others))
        if a[1] == b[1] and a[2] != b[2] and (not across or a[3] != b[3])
    }


def taken(pairs: Pairs, chosen) -> list[tuple[int, int]]:
    rows = zip(*(side.tolist() for side in chosen), strict=True)
    return [(min(i, j), max(i, j)) if pairs.unordered else (i, j) for i, j in rows]


sides = {
    "first": st.lists(candidate, min_size=1, max_size=14),
    "second": st.none() | st.lists(candidate, min_size=1, max_size=14),
    "across": st.booleans(),
    "seed": st.integers(0, 99),
}


@given(**sides)
def test_all_pairs_are_those_of_a_double_loop(first, second, across, seed):
    pairs = Pairs(columns(first, across), second and columns(second, across))
    expected = plain_pairs(first, second, across)
    chosen = taken(pairs, pairs.choose(np.random.default_rng(seed), None, None))
    assert pairs.total == len(chosen) == len(expected)
    assert set(chosen) == expected


@given(**sides, most=st.integers(0, 60))
def test_a_sample_is_of_those(first, second, across, seed, most):
    pairs = Pairs(columns(first, across), second and columns(second, across))
    expected = plain_pairs(first, second, across)
    chosen = taken(pairs, pairs.choose(np.random.default_rng(seed), most, None))
    assert len(set(chosen)) == len(chosen) == min(most, len(expected))
    assert set(chosen) <= expected


@given(**sides, per_speaker=st.integers(1, 12), most=st.none() | st.integers(0, 40))
def test_a_limit_per_speaker(first, second, across, seed, per_speaker, most):
    pairs = Pairs(columns(first, across), second and columns(second, across))
    expected = plain_pairs(first, second, across)
    sample = pairs.choose(np.random.default_rng(seed), None, per_speaker)
    chosen = taken(pairs, sample)
    assert len(set(chosen)) == len(chosen) <= pairs.limited(per_speaker)
    assert set(chosen) <= expected
    counts = Counter(first[i][0] for i in sample[0].tolist())
    assert max(counts.values(), default=0) <= per_speaker
    for i, j in expected - set(chosen):  # what is left out has no room on either side
        assert counts[first[i][0]] == per_speaker
        assert second is not None or counts[first[j][0]] == per_speaker
    if most is not None:
        fewer = taken(pairs, pairs.choose(np.random.default_rng(seed), most, per_speaker))
        assert len(fewer) == min(most, len(chosen))
        assert set(fewer) <= set(chosen)


@pytest.mark.parametrize("most", [3, 12])  # drawn, and chosen from all
def test_every_pair_is_as_likely(most):
    speaker = np.array([0, 0, 0, 0, 1, 1, 2])
    pairs = Pairs(Candidates(speaker, np.zeros(7, np.int64), speaker))
    assert pairs.total == 4 * 2 + 4 + 2
    rng = np.random.default_rng(0)
    ordered = Counter()
    for _ in range(1_500):
        first, second = pairs.choose(rng, most, None)
        ordered.update(zip(first.tolist(), second.tolist(), strict=True))
    expected = 1_500 * most / 28  # each way round
    assert len(ordered) == 28
    assert max(abs(count - expected) for count in ordered.values()) < 5 * np.sqrt(expected)
