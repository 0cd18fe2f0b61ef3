import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakertrip.errors import TrainingError
from speakertrip.samplers import HardSpeakers
from speakertrip.samplers.hard import rounded_rows


def arrange(hard, p, seed=0):
    return hard.arrange(p, np.random.default_rng(seed)).tolist()


def given_centroids(centroids, share):
    hard = HardSpeakers(share)
    hard.update(centroids)
    return hard


@given(st.integers(2, 30), st.integers(1, 9), st.floats(0.01, 1), st.integers(0, 1000))
def test_every_speaker_comes_once_and_what_fills_no_batch_is_left_out(speakers, p, share, seed):
    p = min(p, speakers)
    centroids = np.random.default_rng(seed).normal(size=(speakers, 3))
    centroids[::4] = np.nan
    centroids[1::4] = 0
    batches = arrange(given_centroids(centroids, share), p, seed)
    assert [len(batch) for batch in batches] == [p] * (speakers // p)
    assert len(set(np.ravel(batches).tolist())) == speakers // p * p


def test_a_batch_holds_those_that_are_alike():
    families = np.repeat(np.arange(6), 4)  # of four speakers each
    rng = np.random.default_rng(0)
    centroids = np.eye(6)[families] + rng.normal(scale=0.05, size=(24, 6))
    hard = given_centroids(centroids, share=0.5)
    for seed in range(10):
        for batch in arrange(hard, 8, seed):
            counts = np.bincount(families[batch])
            assert counts.max() == 4  # the seed and its three nearest


def test_the_nearest_are_taken_in_order_and_the_length_does_not_matter():
    angles = np.radians([0, 10, 21, 90, 101, 113])  # two fans, each nearer within than to the other
    centroids = np.stack([np.cos(angles), np.sin(angles)], axis=1) * np.arange(1, 7)[:, None]
    hard = given_centroids(centroids, share=1)
    for seed in range(10):
        assert sorted(map(sorted, arrange(hard, 3, seed))) == [[0, 1, 2], [3, 4, 5]]


def test_two_are_alike_however_small_the_share():
    pairs = np.repeat(np.eye(8), 2, axis=0)
    for batch in arrange(given_centroids(pairs, share=0.01), 4):
        assert len({speaker // 2 for speaker in batch}) < 4


def test_the_left_out_differ_from_epoch_to_epoch():
    hard = given_centroids(np.random.default_rng(0).normal(size=(7, 3)), share=0.5)
    left = [(set(range(7)) - set(np.ravel(arrange(hard, 2, seed)))).pop() for seed in range(300)]
    assert np.bincount(left) / 300 == pytest.approx(1 / 7, abs=0.1)  # outliers as often as others


def test_arranged_by_the_random_numbers_and_the_centroids_alone():
    centroids = np.random.default_rng(0).normal(size=(20, 3))
    hard, again = given_centroids(centroids, 0.5), given_centroids(centroids.copy(), 0.5)
    assert arrange(hard, 4) == arrange(again, 4)
    assert arrange(hard, 4) != arrange(hard, 4, seed=1)
    centroids[:] = 0  # the caller's array is its own
    assert arrange(hard, 4) == arrange(again, 4)


def test_similarities_are_exact_in_whatever_order_they_are_summed():
    rows = rounded_rows(np.random.default_rng(0).normal(size=(50, 192)))
    exact = rows.astype(np.float64) @ rows.T.astype(np.float64)
    assert np.array_equal(rows @ rows.T, exact)
    assert np.array_equal(rows[:, ::-1] @ rows[:, ::-1].T, exact)
    assert np.abs(np.diag(exact) - 1).max() < 0.01


@pytest.mark.parametrize("share", [0, -0.5, 1.5, float("nan")])
def test_a_share_out_of_range_is_refused(share):
    with pytest.raises(TrainingError, match=r"^The share of hard speakers in a batch is .*\(0, 1\]\.$"):
        HardSpeakers(share)


def test_what_is_no_centroids_is_refused():
    hard = HardSpeakers(0.5)
    with pytest.raises(TrainingError, match=r"^There are no centroids .* call update first\.$"):
        arrange(hard, 2)
    with pytest.raises(TrainingError, match=r"^Centroids are an array of \(speakers, dim\), .* \(3,\)"):
        hard.update(np.zeros(3))
