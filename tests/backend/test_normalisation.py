import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakertrip.backend import normalisation
from speakertrip.backend.normalisation import FLOOR, cohort_statistics, normalise


def inner(one, other):
    return one @ other.T


@given(st.integers(1, 9), st.integers(1, 12), st.integers(1, 15), st.integers(0, 2**31))
def test_statistics_agree_with_sorting_each_row(count, speakers, top, seed):
    rng = np.random.default_rng(seed)
    embeddings, cohort = (rng.normal(size=(n, 4)).astype(np.float32) for n in (count, speakers))
    before = cohort.copy()
    found = cohort_statistics(embeddings, cohort, inner, top)
    for row, embedding in enumerate(embeddings):
        highest = np.sort(cohort @ embedding)[::-1][:top].astype(np.float64)
        assert found.mean[row] == pytest.approx(highest.mean(), abs=1e-5)
        assert found.deviation[row] == pytest.approx(max(highest.std(), FLOOR), abs=1e-5)
    assert (cohort == before).all()


def test_blocks_change_nothing(monkeypatch):
    rng = np.random.default_rng(0)
    embeddings, cohort = (
        rng.normal(size=(50, 4)).astype(np.float32),
        rng.normal(size=(20, 4)).astype(np.float32),
    )
    whole = cohort_statistics(embeddings, cohort, inner, 5)
    monkeypatch.setattr(normalisation, "BLOCK_ELEMENTS", 60)
    blocks = cohort_statistics(embeddings, cohort, inner, 5)
    assert blocks.mean == pytest.approx(whole.mean, abs=1e-6)
    assert blocks.deviation == pytest.approx(whole.deviation, abs=1e-6)


def test_the_whole_cohort_counts_without_top():
    rng = np.random.default_rng(0)
    embeddings, cohort = (
        rng.normal(size=(3, 4)).astype(np.float32),
        rng.normal(size=(20, 4)).astype(np.float32),
    )
    scores = embeddings @ cohort.T
    found = cohort_statistics(embeddings, cohort, inner)
    assert found.mean == pytest.approx(scores.mean(axis=1), abs=1e-6)
    assert found.deviation == pytest.approx(scores.std(axis=1), abs=1e-6)


@pytest.mark.parametrize("kind", ["z", "t", "s", "as"])
def test_norms_agree_with_a_loop_over_trials(kind):
    rng = np.random.default_rng(0)
    enrollments, tests, cohort = (rng.normal(size=(n, 4)).astype(np.float32) for n in (6, 5, 30))
    first, second = rng.integers(0, 6, 40), rng.integers(0, 5, 40)
    top = 7 if kind == "as" else None
    scores = np.einsum("td,td->t", enrollments[first], tests[second])
    sides = [cohort_statistics(side, cohort, inner, top) for side in (enrollments, tests)]
    found = normalise(scores, *sides, first, second, kind)
    for trial, score in enumerate(scores):
        terms = {}
        for name, vector in (("z", enrollments[first[trial]]), ("t", tests[second[trial]])):
            highest = np.sort(cohort @ vector)[::-1][: top or 30]
            terms[name] = (score - highest.mean()) / highest.std()
        expected = terms[kind] if kind in terms else (terms["z"] + terms["t"]) / 2
        assert found[trial] == pytest.approx(expected, rel=1e-4, abs=1e-4)


def test_a_cohort_that_scores_all_alike_gives_finite_scores():
    cohort = np.ones((5, 2), np.float32)
    side = cohort_statistics(np.ones((1, 2), np.float32), cohort, inner, 3)
    only = np.zeros(1, np.int64)
    assert np.isfinite(normalise(np.float32([1.0]), side, side, only, only)).all()


def test_bad_cohorts_are_refused():
    one = np.ones((1, 2), np.float32)
    for cohort, top in ((one[:0], 3), (one, 0)):
        with pytest.raises(ValueError, match="a cohort needs a speaker"):
            cohort_statistics(one, cohort, inner, top)
