from collections import Counter
from itertools import combinations, permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from speakertrip.samplers.draw import distinct, draw
from speakertrip.samplers.layout import Layout

MANY = 20_000  # draws where frequencies are looked at


def rng(seed=0):
    return np.random.default_rng(seed)


def equally_frequent(outcomes, possible):
    counts = Counter(outcomes)
    assert set(counts) <= set(possible)
    return chisquare([counts[outcome] for outcome in possible]).pvalue > 1e-4


def draws(sessions, k, speakers=1):
    """Of one speaker, many times."""
    layout = Layout([0] * len(sessions), sessions)
    return draw(layout, np.zeros(MANY, dtype=np.int64), k, rng())


corpora = st.lists(  # for each speaker the sizes of its sessions
    st.lists(st.integers(1, 9), min_size=1, max_size=6), min_size=1, max_size=6
)


@given(corpora, st.integers(1, 7), st.booleans(), st.integers(0, 1000))
def test_different_sessions_come_first_and_no_utterance_twice_before_all(corpus, k, known, seed):
    rows = [
        (speaker, str(session))
        for speaker, sizes in enumerate(corpus)
        for session, size in enumerate(sizes)
        for _ in range(size)
    ]
    rows = [rows[i] for i in rng(seed).permutation(len(rows))]
    sessions = [session if known else None for _, session in rows]
    layout = Layout([speaker for speaker, _ in rows], sessions)
    order = rng(seed).permutation(len(corpus))
    for speaker, drawn in zip(order, draw(layout, order, k, rng(seed)).tolist(), strict=True):
        sizes = corpus[speaker] if known else [1] * sum(corpus[speaker])
        assert all(rows[row][0] == speaker for row in drawn)
        assert len(set(drawn)) == min(k, sum(sizes))
        repetitions = Counter(drawn).values()
        assert max(repetitions) - min(repetitions) <= 1  # all of them again, before one comes a third time
        taken = Counter(rows[row][1] if known else row for row in set(drawn))
        assert len(taken) == min(k, len(sizes))
        for session, count in taken.items():  # one is ahead of another only if that one is used up
            for other, size in enumerate(sizes) if known else ():
                assert count <= taken[str(other)] + 1 or taken[str(other)] == size, session


@given(st.lists(st.integers(1, 40), min_size=1, max_size=8), st.integers(1, 9), st.integers(0, 1000))
def test_distinct_numbers_of_each_range(sizes, count, seed):
    drawn = distinct(np.array(sizes), count, rng(seed))
    assert drawn.shape == (len(sizes), count)
    for size, row in zip(sizes, drawn.tolist(), strict=True):
        assert all(0 <= number < size for number in row)
        assert len(set(row[:size])) == min(size, count)


@pytest.mark.parametrize(("size", "count"), [(5, 1), (4, 2), (5, 3), (4, 4)])
def test_every_ordered_choice_is_equally_likely(size, count):
    drawn = distinct(np.full(MANY, size), count, rng())
    assert equally_frequent(map(tuple, drawn.tolist()), list(permutations(range(size), count)))


@pytest.mark.parametrize("sessions", [["a"] * 6, [None] * 6, ["a", "b", "c", "d", "e", "f"]])
def test_every_set_of_utterances_is_equally_likely(sessions):
    drawn = draws(sessions, 3)
    assert equally_frequent(map(tuple, np.sort(drawn).tolist()), list(combinations(range(6), 3)))


def test_every_session_is_equally_likely_and_each_utterance_of_it():
    drawn = draws(["a"] * 4 + ["b"] * 2 + ["c"], 2)
    pairs = [tuple(sorted({"aaaabbc"[row] for row in pair})) for pair in drawn.tolist()]
    assert equally_frequent(pairs, [("a", "b"), ("a", "c"), ("b", "c")])
    assert equally_frequent(drawn[drawn < 4].tolist(), range(4))
    assert equally_frequent(drawn[(drawn == 4) | (drawn == 5)].tolist(), [4, 5])


def test_where_sessions_do_not_suffice_chance_says_which_gives_more():
    drawn = draws(["a"] * 3 + ["b"] * 3 + ["c"] * 3, 4)
    twice = [max("abc", key=["aaabbbccc"[row] for row in four].count) for four in drawn.tolist()]
    assert equally_frequent(twice, "abc")


def test_the_order_of_the_draws_says_nothing():
    drawn = draws(["a"] * 4 + ["b"], 3)  # b comes in each, in the first turn
    assert equally_frequent(np.nonzero(drawn == 4)[1].tolist(), range(3))


def test_the_repeated_utterance_is_any():
    drawn = draws([None] * 3, 4)
    repeated = [Counter(four).most_common(1)[0][0] for four in drawn.tolist()]
    assert equally_frequent(repeated, range(3))
