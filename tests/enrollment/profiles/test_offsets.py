import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakertrip.enrollment.profiles.offsets import profile_offsets, without_offsets
from speakertrip.enrollment.profiles.own_trials import OwnTrials


def crowd(seed, profiles=30, each=40, spread=1.0, noise=1.0):
    """Nontarget trials against profiles whose scores differ by ``spread``, and a target trial of each."""
    rng = np.random.default_rng(seed)
    true = spread * rng.standard_normal(profiles)
    rows = np.repeat(np.arange(profiles), each)
    tests = (rows + rng.integers(1, profiles, len(rows))) % profiles
    scores = np.concatenate([true[rows] + noise * rng.standard_normal(len(rows)), true + 5])
    owners = np.arange(profiles)
    targets = np.repeat([False, True], [len(rows), profiles])
    trials = OwnTrials(scores.astype(np.float32), targets, np.append(rows, owners), np.append(tests, owners))
    return trials, true


@given(st.integers(0, 999))
def test_offsets_are_those_of_the_formula(seed):
    trials, _ = crowd(seed, profiles=5, each=4)
    scores = {row: [] for row in range(5)}
    for score, target, row in zip(trials.scores, trials.targets, trials.enrollments, strict=True):
        if not target:
            scores[int(row)].append(float(score))
    means = {row: sum(each) / 4 for row, each in scores.items()}
    within = sum((score - means[row]) ** 2 for row, each in scores.items() for score in each) / (20 - 5)
    centre = sum(means.values()) / 5
    between = max(0.0, sum((mean - centre) ** 2 for mean in means.values()) / 4 - within / 4)
    expected = [between / (between + within / 4) * (means[row] - centre) for row in range(5)]
    np.testing.assert_allclose(profile_offsets(trials, 5), expected, atol=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_shrunk_offsets_are_nearer_to_the_truth(seed):
    trials, true = crowd(seed, each=3, spread=0.5, noise=2.0)
    kept = ~trials.targets
    means = np.bincount(trials.enrollments[kept], weights=trials.scores[kept]) / 3
    true = true - true.mean()
    shrunk = np.square(profile_offsets(trials, 30) - true).mean()
    assert shrunk < np.square(means - means.mean() - true).mean()


@pytest.mark.parametrize("seed", range(5))
def test_where_profiles_do_not_differ_nothing_is_taken(seed):
    trials, _ = crowd(seed, spread=0.0)
    assert np.abs(profile_offsets(trials, 30)).max() < 0.2


@pytest.mark.parametrize("seed", range(5))
def test_what_differs_is_taken_from_scores_that_it_was_not_found_on(seed):
    trials, _ = crowd(seed, spread=2.0, each=200)
    found = without_offsets(trials, 30)
    kept = ~trials.targets
    assert found[kept].var() == pytest.approx(1.0, rel=0.1)
    assert trials.scores[kept].var() > 2
    np.testing.assert_allclose(found[~kept] - found[~kept].mean(), 0, atol=0.6)
    # The score of a test changes no offset that its own half is judged by.
    other = trials.scores.copy()
    other[(trials.tests % 2 == 0) & kept] += np.float32(100) * (
        trials.enrollments[(trials.tests % 2 == 0) & kept] == 3
    )
    changed = without_offsets(OwnTrials(other, trials.targets, trials.enrollments, trials.tests), 30)
    even = trials.tests % 2 == 0
    np.testing.assert_allclose((changed - found)[even], (other - trials.scores)[even], atol=1e-4)


def test_profiles_that_nobody_was_compared_with():
    trials = OwnTrials(np.float32([1, 2]), np.array([False, False]), np.array([0, 0]), np.array([1, 1]))
    np.testing.assert_array_equal(profile_offsets(trials, 3), np.zeros(3))
