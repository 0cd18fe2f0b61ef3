from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakertrip.corpora import TrialOptions, make_trials, trial_lists
from speakertrip.errors import DataError, UsageError
from speakertrip.manifests import Trials, Utterance


def corpus(speakers: int = 6, sessions: int = 3, each: int = 2) -> list[Utterance]:
    """Every speaker has ``sessions`` x ``each`` utterances; sexes alternate, the language goes with the session."""
    return [
        Utterance(
            f"s{s}/v{v}/{i}.wav",
            Path("a.wav"),
            f"s{s}",
            session=f"v{v}",
            sex="fm"[s % 2],
            language="dex"[v % 3],
        )
        for s in range(speakers)
        for v in range(sessions)
        for i in range(each)
    ]


def rows(trials: Trials) -> list[tuple[str, str, bool]]:
    return list(zip(trials.enrollments, trials.tests, trials.targets.tolist(), strict=True))


@given(
    st.booleans(),
    st.booleans(),
    st.sampled_from([None, "same", "cross"]),
    st.none() | st.integers(0, 50),
    st.none() | st.integers(1, 6),
    st.integers(0, 9),
)
def test_every_trial_fulfils_the_conditions(same_sex, cross_session, language, most, per_speaker, seed):
    options = TrialOptions(most, most, per_speaker, per_speaker, same_sex, cross_session, language, seed=seed)
    utterances = corpus()
    if most == 0 or (cross_session and language == "same"):  # a session is of one language here
        with pytest.raises(
            DataError, match=r"no trials was asked|no pair for a target trial .*across sessions, of one l"
        ):
            make_trials(utterances, options)
        return
    made = make_trials(utterances, options)
    by_id = {utterance.id: utterance for utterance in utterances}
    drawn = rows(made.trials)
    assert len({frozenset(row[:2]) for row in drawn}) == len(drawn)
    for enrollment, test, target in drawn:
        a, b = by_id[enrollment], by_id[test]
        assert target == (a.speaker == b.speaker)
        assert not same_sex or a.sex == b.sex
        assert not (cross_session and target) or a.session != b.session
        assert language is None or (a.language == b.language) == (language == "same")
    assert made.trials.targets.tolist() == sorted(made.trials.targets.tolist(), reverse=True)
    assert set(made.trials.ids) == {id_ for row in drawn for id_ in row[:2]}
    if per_speaker is None and most is None and not same_sex and language is None:
        assert len(drawn) == (6 * (15 - 3 * cross_session)) + 15 * 36
    if most is not None:
        assert max(sum(made.trials.targets), sum(~made.trials.targets)) <= most


def test_one_seed_one_list():
    lists = [rows(make_trials(corpus(), TrialOptions(20, 30, seed=seed)).trials) for seed in (0, 0, 1)]
    assert lists[0] == lists[1] != lists[2]
    more = rows(make_trials(corpus(), TrialOptions(20, 31, seed=0)).trials)
    assert more[:20] == lists[0][:20]  # the targets do not depend on how many nontargets there are


def test_a_balanced_list():
    trials = make_trials(corpus(), TrialOptions(targets_per_speaker=5, nontargets_per_speaker=5)).trials
    speakers = [id_.split("/")[0] for id_ in trials.enrollments]
    for kind in (True, False):
        of_kind = [s for s, target in zip(speakers, trials.targets.tolist(), strict=True) if target == kind]
        assert sorted(of_kind) == sorted(5 * [f"s{s}" for s in range(6)])


@pytest.mark.parametrize("cross_session", [False, True])
@pytest.mark.parametrize("language", [None, "same", "cross"])
def test_models(cross_session, language):
    utterances = corpus(sessions=4, each=3)
    by_id = {utterance.id: utterance for utterance in utterances}
    options = TrialOptions(cross_session=cross_session, language=language, enroll_utterances=2, seed=3)
    made = make_trials(utterances, options)
    used = {id_ for ids in made.models.values() for id_ in ids}
    assert len(used) == 2 * len(made.models)
    assert set(made.trials.enrollments) <= made.models.keys()
    if (cross_session, language) == (True, "same"):  # only sessions v0 and v3 are of one language
        assert {by_id[id_].session for id_ in used} <= {"v0", "v3"}
    else:
        assert list(made.models) == [f"s{s}-model" for s in range(6)]
    for enrollment, test, target in rows(made.trials):
        assert test not in used
        for id_ in made.models[enrollment]:
            a, b = by_id[id_], by_id[test]
            assert enrollment == f"{a.speaker}-model"
            assert target == (a.speaker == b.speaker)
            assert not (cross_session and target) or a.session != b.session
            assert language is None or (a.language == b.language) == (language == "same")


def test_models_of_speakers_with_enough_utterances_only():
    few = [Utterance(f"few/{i}", Path("a.wav"), "few") for i in (1, 2)]
    utterances = [*corpus(2, 1, 3), *few]
    made = make_trials(utterances, TrialOptions(enroll_utterances=2))
    assert list(made.models) == ["s0-model", "s1-model"]
    assert {"few/1", "few/2"} <= set(made.trials.tests)  # still tests
    assert made.trials.targets.sum() == 2


def test_a_model_is_not_named_as_an_utterance_is():
    utterances = [*corpus(2, 1, 3), Utterance("s1-model", Path("a.wav"), "s1")]
    assert list(make_trials(utterances, TrialOptions(enroll_utterances=2)).models) == [
        "s0-model-",
        "s1-model-",
    ]


@pytest.mark.parametrize(
    ("key", "options"),
    [
        ("sex", {"same_sex": True}),
        ("session", {"cross_session": True}),
        ("language", {"language": "same"}),
        ("language", {"language": "cross"}),
    ],
)
def test_what_the_manifest_does_not_say(key, options):
    bare = [Utterance(utterance.id, utterance.path, utterance.speaker) for utterance in corpus()]
    with pytest.raises(DataError, match=f"^m.jsonl: no utterance has a {key}"):
        make_trials(bare, TrialOptions(**options), "m.jsonl")
    made = make_trials([*bare[:4], *corpus()[4:]], TrialOptions(**options))
    assert made.left_out == 4
    assert not {utterance.id for utterance in bare[:4]} & set(made.trials.ids)


@pytest.mark.parametrize(
    ("utterances", "options", "message"),
    [
        (corpus(1), {}, "there is no pair for a nontarget trial"),
        (corpus(4, 1, 1), {}, "there is no pair for a target trial"),
        (corpus(4, 1), {"cross_session": True}, "no pair for a target trial across sessions"),
        (corpus(4, 1), {"language": "cross"}, "no pair for a target trial across languages"),
        (corpus(2), {"same_sex": True, "targets": 0}, "no pair for a nontarget trial of one sex"),
        (corpus(), {"enroll_utterances": 6}, "no speaker has 6 utterances for a model and another one"),
        (
            corpus(),
            {"enroll_utterances": 3, "cross_session": True},
            "no speaker has 3 utterances .* across sessions",
        ),
        (corpus(), {"targets": 0, "nontargets": 0}, "a list of no trials was asked for"),
        ([], {}, "no pair for a target trial"),
    ],
)
def test_impossible_lists(utterances, options, message):
    with pytest.raises(DataError, match=f"^m.jsonl: .*{message}"):
        make_trials(utterances, TrialOptions(**options), "m.jsonl")


def test_too_many(monkeypatch):
    monkeypatch.setattr(trial_lists, "MOST_TRIALS", 100)
    with pytest.raises(DataError, match="these would be 540 nontarget trials; ask for 100 or fewer"):
        make_trials(corpus(), TrialOptions())
    with pytest.raises(DataError, match="these would be 120 nontarget trials"):
        make_trials(corpus(), TrialOptions(nontargets_per_speaker=20))
    assert len(make_trials(corpus(), TrialOptions(nontargets=100)).trials) == 190


@pytest.mark.parametrize("name", ["targets", "nontargets_per_speaker", "enroll_utterances", "seed"])
def test_numbers_out_of_range(name):
    with pytest.raises(UsageError, match=f"Trials need {name} of . or more, not -1"):
        TrialOptions(**{name: -1})


def test_a_list_of_a_hundred_thousand_utterances_is_made_without_all_pairs():
    utterances = corpus(5_000, 4, 5)  # five thousand million pairs
    trials = make_trials(utterances, TrialOptions(2_000, 5_000, same_sex=True, cross_session=True)).trials
    assert np.bincount(trials.targets).tolist() == [5_000, 2_000]
