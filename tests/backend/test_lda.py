import numpy as np
import pytest
from scipy.linalg import subspace_angles
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from speakertrip.backend.lda import LDA


@pytest.fixture
def corpus():
    rng = np.random.default_rng(0)
    speakers = rng.integers(0, 8, 400)
    centres = rng.normal(size=(8, 6)) * [5, 3, 2, 1, 0.5, 0.1]
    return centres[speakers] + rng.normal(size=(400, 6)) @ rng.normal(size=(6, 6)), speakers


def test_keeps_the_subspace_of_scikit_learn(corpus):
    embeddings, speakers = corpus
    fitted = LDA.fit(embeddings, speakers, dim=3, shrinkage=0)
    peer = LinearDiscriminantAnalysis(solver="eigen", n_components=3).fit(embeddings, speakers)
    assert subspace_angles(fitted.projection, peer.scalings_[:, :3]).max() < 1e-3


def test_speakers_spread_by_one_in_every_direction(corpus):
    embeddings, speakers = corpus
    projected = LDA.fit(embeddings, speakers, dim=4, shrinkage=0)(embeddings.astype(np.float32))
    assert projected.mean(axis=0) == pytest.approx(np.zeros(4), abs=1e-3)
    centred = np.vstack([projected[speakers == s] - projected[speakers == s].mean(axis=0) for s in range(8)])
    assert centred.T @ centred / len(centred) == pytest.approx(np.eye(4), abs=1e-3)
    between = [projected[speakers == s].mean(axis=0) for s in speakers]
    variances = np.var(between, axis=0)
    assert (np.diff(variances) <= 1e-6).all()  # the directions that tell most come first


def test_fewer_utterances_than_dimensions():
    rng = np.random.default_rng(0)
    fitted = LDA.fit(rng.normal(size=(10, 30)), np.arange(10) // 2, dim=3)
    assert np.isfinite(fitted.projection).all()


def test_bad_input_is_refused(corpus):
    embeddings, speakers = corpus
    for dim in (0, 8, 7):
        with pytest.raises(ValueError, match="cannot be kept"):
            LDA.fit(embeddings, speakers, dim)
    with pytest.raises(ValueError, match="shrinkage"):
        LDA.fit(embeddings, speakers, 2, shrinkage=2)
    with pytest.raises(ValueError, match="two utterances"):
        LDA.fit(embeddings[:3], [0, 1, 2], 1)
