import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import cosine

from speakertrip.backend import Backend, pair_scores, unit_rows
from speakertrip.backend import cosine as module


@given(st.integers(1, 6), st.integers(1, 6), st.integers(1, 8), st.integers(0, 2**31))
def test_agrees_with_scipy_pair_by_pair(n, m, dim, seed):
    rng = np.random.default_rng(seed)
    enrollments = rng.standard_normal((n, dim)).astype(np.float32)
    tests = rng.standard_normal((m, dim)).astype(np.float32)
    first, second = (grid.ravel() for grid in np.meshgrid(np.arange(n), np.arange(m)))
    scores = pair_scores(enrollments, tests, first, second)
    expected = [1 - cosine(enrollments[i], tests[j]) for i, j in zip(first, second, strict=True)]
    np.testing.assert_allclose(scores, expected, atol=1e-5)
    assert (np.abs(scores) <= 1).all()


def test_blocks_give_the_same_scores(monkeypatch):
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((20, 8)).astype(np.float32)
    first, second = rng.integers(0, 20, (2, 100))
    whole = pair_scores(vectors, vectors, first, second)
    monkeypatch.setattr(module, "BLOCK", 7)
    np.testing.assert_array_equal(pair_scores(vectors, vectors, first, second), whole)


def test_every_utterance_of_a_speaker_weighs_the_same():
    mean = Backend().sides(np.array([[100.0, 0.0], [0.0, 0.01]], np.float32), [[0, 1]]).embeddings[0]
    assert mean == pytest.approx([0.5, 0.5])


def test_zero_rows_stay_zero():
    assert unit_rows(np.zeros((1, 3), np.float32)).tolist() == [[0.0, 0.0, 0.0]]
