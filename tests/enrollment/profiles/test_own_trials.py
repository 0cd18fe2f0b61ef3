import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakertrip.backend import Backend
from speakertrip.enrollment import Enrollment, Profile
from speakertrip.enrollment.profiles.own_trials import score_own_trials


def profiles(seed, counts):
    rng = np.random.default_rng(seed)
    return [
        Profile(
            f"spk{number}",
            "m",
            tuple(Enrollment(rng.standard_normal(5).astype(np.float32), "", "", 1.0) for _ in range(count)),
        )
        for number, count in enumerate(counts)
    ]


def one_by_one(everybody):
    """The score of each trial, as (is target, profile, owner of the utterance, score)."""
    backend, only, found = Backend(), np.zeros(1, np.int64), []

    def score(rows, test):
        side = backend.sides(np.stack(rows), [list(range(len(rows)))])
        return float(backend.score(side, backend.sides(test[None]), only, only)[0])

    for owner, speaker in enumerate(everybody):
        for left_out, test in enumerate(speaker.embeddings):
            rest = [row for place, row in enumerate(speaker.embeddings) if place != left_out]
            if rest:
                found.append((True, owner, owner, score(rest, test)))
    for owner, speaker in enumerate(everybody):
        for test in speaker.embeddings:
            for other, profile in enumerate(everybody):
                if other != owner:
                    found.append((False, other, owner, score(list(profile.embeddings), test)))
    return found


@given(st.integers(0, 99), st.lists(st.integers(1, 4), min_size=2, max_size=6).filter(lambda c: max(c) > 1))
def test_each_utterance_meets_every_profile_once(seed, counts):
    everybody = profiles(seed, counts)
    found = score_own_trials(everybody, Backend())
    expected = one_by_one(everybody)
    rows = zip(found.targets, found.enrollments, found.tests, strict=True)
    assert [(bool(t), int(e), int(o)) for t, e, o in rows] == [row[:3] for row in expected]
    np.testing.assert_allclose(found.scores, [row[3] for row in expected], atol=1e-6)


@given(st.integers(0, 99), st.integers(1, 60))
def test_some_of_the_nontarget_trials_are_drawn(seed, most):
    everybody = profiles(0, [3, 1, 4, 2, 2])
    whole, some = score_own_trials(everybody, Backend()), score_own_trials(everybody, Backend(), seed, most)

    def rows(found):
        kept = ~found.targets
        return list(zip(found.enrollments[kept], found.tests[kept], found.scores[kept].round(5), strict=True))

    assert len(rows(some)) == min(most, len(rows(whole)))
    assert len({*rows(some)}) == len(rows(some))
    assert {*rows(some)} <= {*rows(whole)}
    np.testing.assert_array_equal(some.scores[some.targets], whole.scores[whole.targets])
    again = score_own_trials(everybody, Backend(), seed, most)
    np.testing.assert_array_equal(again.scores, some.scores)


@pytest.mark.parametrize("counts", [[3], [1, 1, 1]])
def test_too_few(counts):
    with pytest.raises(ValueError, match="a speaker of two utterances, and another speaker"):
        score_own_trials(profiles(0, counts), Backend())


def test_a_million_speakers_are_not_all_compared():
    from speakertrip.enrollment.profiles.own_trials import _draw

    owner = np.arange(2_000_000) // 2
    first, second = _draw(owner, 1_000_000, 0, 1000)
    assert len({*zip(first, second, strict=True)}) == 1000
    assert (owner[second] != first).all()
    assert first.max() < 1_000_000
