from itertools import combinations
from pathlib import Path

import pytest

from speakertrip.corpora.pairing import draw_trials, draw_trials_within
from speakertrip.errors import DataError
from speakertrip.manifests import Trials, Utterance


def corpus(**sessions: list[str | None]) -> list[Utterance]:
    return [
        Utterance(f"{speaker}/{number}", Path("a.wav"), speaker, session=session)
        for speaker, all_ in sessions.items()
        for number, session in enumerate(all_)
    ]


def pairs(trials: Trials, targets: bool) -> set[tuple[str, str]]:
    rows = zip(trials.enrollments, trials.tests, trials.targets, strict=True)
    return {(enrollment, test) for enrollment, test, target in rows if target == targets}


def test_all_pairs_of_a_small_corpus():
    trials = draw_trials(corpus(a=[None, None], b=[None], c=[None]), seed=0)
    assert pairs(trials, True) == {("a/0", "a/1")}
    assert pairs(trials, False) == {
        ("a/0", "b/0"),
        ("a/0", "c/0"),
        ("a/1", "b/0"),
        ("a/1", "c/0"),
        ("b/0", "c/0"),
    }
    assert len(trials) == 6
    assert trials.targets.tolist() == [True] + 5 * [False]


def test_target_pairs_cross_sessions_where_the_speaker_has_any():
    trials = draw_trials(corpus(several=["x", "x", "y"], one=["x", "x"]), seed=0)
    assert pairs(trials, True) == {("several/0", "several/2"), ("several/1", "several/2"), ("one/0", "one/1")}


@pytest.mark.parametrize("nontargets", [50, 5_000])
def test_limits_truth_and_no_pair_twice(nontargets):
    # 200 utterances have 19,900 pairs: with 50 the nontargets are drawn blindly, with 5,000 from the full list.
    utterances = corpus(**{f"s{number}": ["x", "x", "y", "y"] for number in range(50)})
    speaker = {utterance.id: utterance.speaker for utterance in utterances}
    trials = draw_trials(utterances, seed=1, targets=60, nontargets=nontargets)
    assert trials.targets.sum() == 60
    assert (~trials.targets).sum() == nontargets
    rows = list(zip(trials.enrollments, trials.tests, strict=True))
    assert len({frozenset(row) for row in rows}) == len(rows)
    assert [speaker[a] == speaker[b] for a, b in rows] == trials.targets.tolist()


def test_fewer_where_there_are_fewer():
    trials = draw_trials(corpus(a=["x"] * 3, b=["x"]), seed=0, targets=100, nontargets=100)
    assert trials.targets.tolist() == [True] * 3 + [False] * 3


def test_the_draw_depends_on_the_seed():
    utterances = corpus(**{f"s{number}": ["x", "y"] for number in range(30)})
    draws = [draw_trials(utterances, seed, targets=10, nontargets=20) for seed in (0, 0, 1)]
    assert pairs(draws[0], True) == pairs(draws[1], True) != pairs(draws[2], True)
    assert draws[0].tests == draws[1].tests != draws[2].tests


@pytest.mark.parametrize("sessions", [{"a": ["x", "y"]}, {"a": ["x"], "b": ["x"]}, {"a": ["x"]}, {}])
def test_no_trials_to_draw(sessions):
    with pytest.raises(DataError, match="Trials need a speaker with two utterances and a second speaker"):
        draw_trials(corpus(**sessions), seed=0)


def recorded(**corpora: dict[str, int]) -> list[Utterance]:
    """Utterances by corpus and speaker."""
    return [
        Utterance(
            f"{corpus}/{speaker}/{number}", Path("a.wav"), f"{corpus}-{speaker}", extra={"corpus": corpus}
        )
        for corpus, speakers in corpora.items()
        for speaker, count in speakers.items()
        for number in range(count)
    ]


def test_both_sides_are_of_one_corpus():
    found = draw_trials_within(recorded(x={"a": 2, "b": 1}, y={"c": 3, "d": 2}, alone={"e": 5}), "corpus", 0)
    expected = {
        (f"{corpus}/{one}", f"{corpus}/{other}")
        for corpus, ids in (("x", ["a/0", "a/1", "b/0"]), ("y", ["c/0", "c/1", "c/2", "d/0", "d/1"]))
        for one, other in combinations(ids, 2)
    }
    assert pairs(found, True) | pairs(found, False) == expected
    assert len(pairs(found, True)) == 1 + 3 + 1


def test_within_nothing():
    with pytest.raises(DataError, match="has no corpus"):
        draw_trials_within(corpus(a=[None, None], b=[None]), "corpus", 0)
    with pytest.raises(DataError, match="No corpus has a speaker with two utterances"):
        draw_trials_within(recorded(x={"a": 2}, y={"b": 1, "c": 1}), "corpus", 0)
