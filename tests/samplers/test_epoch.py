from collections import Counter

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from speakertrip.samplers.epoch import Epoch, deal, leave_out, most_batches

EPOCHS = 300  # where frequencies are looked at


def rng(seed=0):
    return np.random.default_rng(seed)


@st.composite
def epochs(draw):
    places = draw(st.lists(st.integers(1, 12), min_size=1, max_size=14))
    groups = draw(st.lists(st.integers(0, 3), min_size=len(places), max_size=len(places)))
    return np.array(places), np.array(groups), draw(st.integers(1, len(places)))


def shown(epoch, speakers, count=EPOCHS):
    """How often each speaker comes, in the mean over many epochs."""
    chance = rng()
    counts = [np.bincount(epoch.arrange(chance).ravel(), minlength=speakers) for _ in range(count)]
    return np.mean(counts, axis=0)


@given(epochs(), st.integers(0, 1000))
def test_no_speaker_is_twice_in_a_batch_nor_has_more_than_its_places(case, seed):
    places, groups, p = case
    epoch = Epoch(places, groups, p)
    assert epoch.batches >= 1
    for attempt in range(3):  # the length is the same in each epoch
        batches = epoch.arrange(rng([seed, attempt]))
        assert batches.shape == (epoch.batches, p)
        assert all(len(set(batch)) == p for batch in batches.tolist())
        assert np.all(np.bincount(batches.ravel(), minlength=len(places)) <= places)


@given(epochs())
def test_without_groups_only_what_fills_no_batch_is_left_out(case):
    places, _, p = case
    epoch = Epoch(places, np.zeros_like(places), p)
    counts = np.bincount(epoch.arrange(rng()).ravel(), minlength=len(places))
    lost = np.minimum(places, epoch.batches) - counts
    assert lost.sum() < p
    assert set(lost.tolist()) <= {0, 1}


@given(epochs())
def test_every_speaker_once_gives_as_many_batches_with_groups_as_without(case):
    places, groups, p = case
    once = np.ones_like(places)
    assert Epoch(once, groups, p).batches == len(places) // p


@given(epochs())
def test_no_speaker_is_always_left_out(case):
    places, groups, p = case
    epoch = Epoch(places, groups, p)
    assert np.all(shown(epoch, len(places), count=40) > 0)


def test_speakers_come_as_often_as_they_have_places():
    places = np.array([1, 2, 3, 7, 7, 4, 2])
    epoch = Epoch(places, np.zeros_like(places), p=3)
    assert epoch.batches == 8  # 26 places, 2 of which are left out in each epoch
    assert shown(epoch, 7) == pytest.approx(places * 24 / 26, abs=0.1)


def test_speakers_meet_anew_though_they_come_often():
    epoch = Epoch(np.full(20, 40), np.zeros(20, dtype=np.int64), p=4)
    batches = epoch.arrange(rng())
    assert epoch.batches == 200
    assert max(Counter(map(tuple, np.sort(batches).tolist())).values()) <= 5  # of 4,845 sets


def test_a_group_fills_batches_of_its_own_and_the_rest_is_mixed():
    groups = np.repeat([0, 1, 2], [7, 5, 3])
    epoch = Epoch(np.full(15, 2), groups, p=4)
    assert epoch.batches == 3 + 2 + 2  # of 14, 10 and 6 places; 2 and 2 are left of the first two
    for seed in range(20):
        kinds = [set(groups[batch].tolist()) for batch in epoch.arrange(rng(seed))]
        assert sum(kind == {0} for kind in kinds) >= 3
        assert sum(kind == {1} for kind in kinds) >= 2


def test_a_group_too_small_for_any_batch_is_guest_in_others():
    groups = np.repeat([0, 1], [8, 2])
    epoch = Epoch(np.array([6] * 8 + [5] * 2), groups, p=4)
    assert epoch.batches == 12
    counts = shown(epoch, 10)
    assert counts[8:].tolist() == [5, 5]
    assert counts[:8] == pytest.approx((12 * 4 - 10) / 8, abs=0.15)
    batches = epoch.arrange(rng())
    assert all({8, 9} <= set(batch) for batch in batches.tolist() if {8, 9} & set(batch))  # together


@given(st.lists(st.integers(0, 9), min_size=1, max_size=8), st.integers(1, 8), st.integers(0, 3))
def test_most_batches_against_every_number(places, p, extra):
    possible = [b for b in range(sum(places) + extra + 1) if sum(min(n, b) for n in places) + extra >= b * p]
    assert most_batches(np.array(places), p, extra) == max(possible)


def test_each_slot_is_left_out_equally_often():
    slots = np.arange(10)
    chance = rng()
    left = np.concatenate([leave_out(slots, 7, chance)[1] for _ in range(3000)])
    assert np.bincount(left) / 3000 == pytest.approx(0.3, abs=0.05)


@given(st.lists(st.integers(1, 5), min_size=6, max_size=20), st.integers(0, 1000))
def test_a_short_run_loses_at_most_one_slot(runs, seed):
    slots = np.repeat(np.arange(len(runs)), runs)
    count = len(slots) // max(runs)
    kept, left = leave_out(slots, len(slots) - count, rng(seed))
    assert len(set(left.tolist())) == len(left) == count
    assert sorted([*kept, *left]) == slots.tolist()


@given(st.lists(st.integers(1, 12), min_size=1, max_size=12), st.integers(1, 12), st.integers(0, 1000))
def test_dealing_keeps_the_slots_and_no_speaker_is_twice_in_a_batch(runs, batches, seed):
    slots = np.repeat(np.arange(len(runs)), np.minimum(runs, batches))
    assume(len(slots) >= batches)
    slots = slots[: len(slots) // batches * batches]
    dealt = deal(slots, batches, rng(seed))
    assert sorted(dealt.ravel().tolist()) == slots.tolist()
    assert all(len(set(batch)) == len(batch) for batch in dealt.tolist())
