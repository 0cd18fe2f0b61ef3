import numpy as np
import pytest
from scipy.stats import multivariate_normal

from speakertrip.backend.plda import PLDA


def model(dim=3, seed=0):
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(2, dim, dim + 2))
    return PLDA(rng.normal(size=dim), a @ a.T / dim, b @ b.T / dim + 0.1 * np.eye(dim))


def draw(plda, counts, seed=0):
    """Embeddings of speakers with so many utterances each."""
    rng = np.random.default_rng(seed)
    speakers = np.repeat(np.arange(len(counts)), counts)
    places = rng.multivariate_normal(plda.mean, plda.between, len(counts))
    return places[speakers] + rng.multivariate_normal(0 * plda.mean, plda.within, len(speakers)), speakers


def plain_llr(plda, enrollment, test):
    """Log ratio of two normal densities of all vectors, stacked: one speaker, or the test vector's own."""
    count = len(enrollment)

    def density(vectors, speakers):
        same = np.equal.outer(speakers, speakers)
        covariance = np.kron(same, plda.between) + np.kron(np.eye(len(speakers)), plda.within)
        mean = np.tile(plda.mean, len(speakers))
        return multivariate_normal(mean, covariance).logpdf(vectors.reshape(-1))

    vectors = np.vstack([enrollment, test])
    return density(vectors, [0] * (count + 1)) - density(vectors, [0] * count + [1])


@pytest.mark.parametrize("count", [1, 2, 5])
def test_ratios_agree_with_stacked_normal_densities(count):
    plda = model()
    enrollments = np.random.default_rng(1).normal(size=(4, count, 3))
    tests = np.random.default_rng(2).normal(size=(5, 3))
    found = plda.enrollments(enrollments.mean(axis=1), np.full(4, count)) @ plda.tests(tests).T
    expected = [[plain_llr(plda, enrollment, test[None]) for test in tests] for enrollment in enrollments]
    assert found == pytest.approx(np.array(expected), abs=1e-4)


def test_recovers_what_the_embeddings_were_drawn_from():
    plda = model()
    embeddings, speakers = draw(plda, np.random.default_rng(3).integers(1, 9, 3_000))
    fitted = PLDA.fit(embeddings, speakers, iterations=60)
    assert fitted.mean == pytest.approx(plda.mean, abs=0.15)
    assert np.abs(fitted.within - plda.within).max() < 0.1
    assert np.abs(fitted.between - plda.between).max() < 0.25


def test_balanced_data_have_a_solution_in_closed_form():
    plda, speakers, count = model(), 400, 5
    embeddings, names = draw(plda, np.full(speakers, count))
    fitted = PLDA.fit(embeddings, names, iterations=300)
    centres = embeddings.reshape(speakers, count, -1).mean(axis=1)
    inside = (embeddings - centres[names]).T @ (embeddings - centres[names])
    within = inside / (speakers * (count - 1))
    between = np.cov(centres.T, ddof=0) - within / count
    assert fitted.within == pytest.approx(within, abs=1e-3)
    assert fitted.between == pytest.approx(between, abs=1e-3)


def test_each_iteration_fits_no_worse():
    embeddings, speakers = draw(model(), [1, 2, 5, 3, 4, 4, 2])

    def likelihood(plda):
        total = 0.0
        for speaker in np.unique(speakers):
            own = embeddings[speakers == speaker]
            covariance = np.kron(np.ones((len(own), len(own))), plda.between)
            covariance += np.kron(np.eye(len(own)), plda.within)
            total += multivariate_normal(np.tile(plda.mean, len(own)), covariance).logpdf(own.reshape(-1))
        return total

    found = [likelihood(PLDA.fit(embeddings, speakers, iterations)) for iterations in range(1, 12)]
    assert (np.diff(found) > -1e-3).all()


def test_adaptation_adds_what_the_new_domain_varies_more():
    plda = PLDA(np.zeros(2), np.eye(2), np.eye(2))
    values = np.random.default_rng(0).normal(size=(50_000, 2)) * [2.0, 1.0] + [
        5.0,
        0.0,
    ]  # variances 4 and 1 for 2
    adapted = plda.adapt(values, mean_share=0)
    assert adapted.mean == pytest.approx([5, 0], abs=0.05)
    assert adapted.within == pytest.approx(np.diag([1 + 0.75 * 2, 1]), abs=0.1)
    assert adapted.between == pytest.approx(np.diag([1 + 0.25 * 2, 1]), abs=0.1)
    same = plda.adapt(np.random.default_rng(0).normal(size=(50_000, 2)))
    assert same.within == pytest.approx(np.eye(2), abs=1e-9)


def test_adaptation_counts_the_way_to_the_new_mean():
    values = np.random.default_rng(0).normal(size=(50_000, 1)) * np.sqrt(2) + 3
    adapted = PLDA(np.zeros(1), np.eye(1), np.eye(1)).adapt(values)  # variance 2 + 3^2 where 2 is expected
    assert adapted.within[0, 0] == pytest.approx(1 + 0.75 * 9, abs=0.1)
    assert adapted.between[0, 0] == pytest.approx(1 + 0.25 * 9, abs=0.1)


def test_too_few_utterances_for_the_dimensions_are_refused():
    with pytest.raises(ValueError, match="40 dimensions needs as many utterances"):
        PLDA.fit(np.random.default_rng(0).normal(size=(40, 40)), np.repeat(np.arange(20), 2))


def test_interpolation():
    one, other = model(seed=0), model(seed=1)
    mixed = one.interpolate(other, 0.25)
    assert mixed.between == pytest.approx(0.75 * one.between + 0.25 * other.between)
    assert one.interpolate(other, 0).within == pytest.approx(one.within)


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="two speakers"):
        PLDA.fit(np.zeros((3, 2)), [0, 0, 0])
    with pytest.raises(ValueError, match="do not fit"):
        PLDA.fit(np.zeros((3, 2)), [0, 0])
    with pytest.raises(ValueError, match="not finite"):
        PLDA.fit(np.full((4, 2), np.nan), [0, 0, 1, 1])
    with pytest.raises(ValueError, match="two embeddings"):
        model().adapt(np.zeros((1, 3)))
    with pytest.raises(ValueError, match="weight in"):
        model().interpolate(model(), 1.5)
