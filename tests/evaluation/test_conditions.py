import numpy as np
import pytest

from speakertrip.errors import DataError
from speakertrip.evaluation import report_conditions, sides_of
from speakertrip.manifests import Trials, Utterance
from speakertrip.metrics import det_curve, equal_error_rate

SEXES, LANGUAGES, SECONDS = ("female", "male"), ("de", "en", "en"), (1.5, 3.0, 30.0)


def corpus(**changes):
    """Six speakers with three utterances each, of two sessions, all pairs."""
    utterances = []
    for speaker in range(6):
        for number in range(3):
            facts = {
                "session": f"{speaker}-{min(number, 1)}",
                "duration": SECONDS[number],
                "sex": SEXES[speaker % 2],
                "language": LANGUAGES[speaker % 3],
            }
            facts.update(changes)
            utterances.append(Utterance(f"{speaker}/{number}", "x.wav", f"spk{speaker}", **facts))
    first, second = np.triu_indices(18, k=1)
    ids = [utterance.id for utterance in utterances]
    return utterances, Trials.of([ids[i] for i in first], [ids[i] for i in second], first // 3 == second // 3)


def test_each_condition_holds_the_trials_that_a_loop_finds():
    utterances, trials = corpus()
    scores = np.random.default_rng(0).normal(size=len(trials)) + trials.targets
    of = {utterance.id: utterance for utterance in utterances}
    expected = {}
    for row, (a, b) in enumerate(zip(trials.enrollments, trials.tests, strict=True)):
        one, two = of[a], of[b]
        shorter = min(one.duration, two.duration)
        names = [
            ("sex", one.sex if one.sex == two.sex else "mixed"),
            ("language", one.language if one.language == two.language else "mixed"),
            ("duration", {1.5: "under 2 s", 3.0: "2 to 5 s", 30.0: "20 s or more"}[shorter]),
        ]
        if one.speaker != two.speaker:
            names += [("session", "same"), ("session", "different")]
        else:
            names.append(("session", "same" if one.session == two.session else "different"))
        for name in names:
            expected.setdefault(name, []).append(row)
    found = report_conditions(trials, scores, sides_of(utterances))
    assert {(row.name, row.value) for row in found} == set(expected)
    for row in found:
        chosen = expected[row.name, row.value]
        assert (row.trials, row.targets) == (len(chosen), trials.targets[chosen].sum())
        if row.value in ("mixed", "20 s or more"):  # one such utterance of each speaker: no target trial
            assert (row.targets, row.eer, row.eer_interval) == (0, None, None)
        else:
            assert row.eer == equal_error_rate(det_curve(scores[chosen], trials.targets[chosen]))
            assert row.eer_interval[0] <= row.eer_interval[1]
    assert [row.value for row in found if row.name == "language"] == ["en", "de", "mixed"]  # by frequency


def test_what_the_manifest_does_not_tell_apart_gives_no_row():
    utterances, trials = corpus(session=None, duration=None, sex="male", language=None)
    assert report_conditions(trials, np.arange(len(trials)), sides_of(utterances)) == []


def test_a_model_has_what_its_utterances_have_in_common():
    utterances, _ = corpus()
    models = {"m": ["0/0", "0/1", "0/2"], "n": ["0/1", "0/2"]}
    sides = sides_of(utterances, models)
    assert (sides["m"].session, sides["m"].seconds, sides["m"].sex) == (None, 34.5, "female")
    assert (sides["n"].session, sides["n"].speaker) == ("0-1", "spk0")
    with pytest.raises(DataError, match="does not hold 9/9"):
        sides_of(utterances, {"m": ["9/9"]})
