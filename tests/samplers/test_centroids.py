import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakertrip.samplers import SpeakerCentroids
from speakertrip.samplers.centroids import unit_rows


@given(st.lists(st.lists(st.integers(0, 4), max_size=8), max_size=4), st.integers(0, 1000))
def test_the_mean_is_that_of_all_batches(batches, seed):
    rng = np.random.default_rng(seed)
    centroids = SpeakerCentroids(speakers=5, dim=3)
    embeddings, labels = np.zeros((0, 3)), np.zeros(0, dtype=np.int64)
    for batch in batches:
        rows = rng.normal(size=(len(batch), 3)).astype(np.float32)
        centroids.add(rows, np.array(batch, dtype=np.int64))
        embeddings, labels = np.vstack([embeddings, rows]), np.append(labels, batch)
    means = centroids.mean()
    for speaker in range(5):
        own = embeddings[labels == speaker]
        expected = own.mean(axis=0) / np.linalg.norm(own.mean(axis=0)) if len(own) else np.zeros(3)
        assert means[speaker] == pytest.approx(expected, abs=1e-3)


def test_a_checkpoint_stores_the_sums_and_writes_them_back():
    rng = np.random.default_rng(0)
    first, second = SpeakerCentroids(4, 2), SpeakerCentroids(4, 2)
    labels = np.array([0, 1, 1, 3])
    first.add(rng.normal(size=(4, 2)), labels)
    second.sums[:] = first.sums
    rest = rng.normal(size=(4, 2))
    first.add(rest, labels)
    second.add(rest, labels)
    assert np.array_equal(first.mean(), second.mean())


def test_rows_without_a_direction_become_zeros():
    rows = unit_rows(np.array([[3.0, 4.0], [0.0, 0.0], [np.nan, 1.0], [np.inf, 1.0]]))
    assert rows.tolist() == [[np.float32(0.6), np.float32(0.8)], [0, 0], [0, 0], [0, 0]]
