"""The verbs that fit: ``backend`` to audio, ``calibrate`` to score files."""

import json
from pathlib import Path

import numpy as np
import pytest

from speakertrip import Bundle, SpeakerVerifier
from speakertrip.cli import run
from speakertrip.manifests import (
    Trials,
    Utterance,
    read_scores,
    read_trials,
    write_manifest,
    write_scores,
    write_trials,
)


@pytest.fixture
def call(capsys):
    def call(*arguments):
        code = run(arguments)
        return code, *capsys.readouterr()

    return call


@pytest.fixture
def score_files(tmp_path, monkeypatch):
    """Two systems on two lists of other speakers."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SPEAKERTRIP_MODEL", raising=False)
    for place, name in enumerate(("one", "two")):
        first, second = np.triu_indices(60, k=1)
        ids = [f"{name}-s{speaker}/{number}.wav" for speaker in range(15) for number in range(4)]
        trials = Trials.of([ids[i] for i in first], [ids[i] for i in second], first // 4 == second // 4)
        rng = np.random.default_rng(place)
        write_trials(f"{name}.trials", trials)
        for system in ("a", "b"):
            scores = (rng.normal(size=len(trials)) + 2.5 * trials.targets) / 10 + 0.3
            write_scores(f"{name}.{system}", trials, scores)


def evaluate(call, *arguments):
    code, out, err = call("evaluate", "--json", *arguments)
    assert (code, err) == (0, "")
    return json.loads(out)


def test_calibration_of_one_list_makes_another_calibrated(call, score_files):
    raw = evaluate(call, "--scores", "two.a", "--trials", "two.trials")
    for method in ("linear", "isotonic"):
        options = ("--trials", "one.trials", "--method", method, "--p-target", "0.5", "--out", "c.json")
        assert call("calibrate", "one.a", *options) == (
            0, f"c.json: {method} calibration of 1 system on 1,770 trials\n", "",
        )  # fmt: skip
        found = evaluate(call, "--scores", "two.a", "--trials", "two.trials", "--calibration", "c.json")
        assert raw["cllr"] > 0.9
        assert found["cllr"] < found["min_cllr"] + 0.06
    assert found["eer"] == pytest.approx(raw["eer"], abs=0.02)


def test_fusion_of_two_systems_is_better_than_either(call, score_files):
    assert call("calibrate", "one.a", "one.b", "--trials", "one.trials", "--out", "c.json")[0] == 0
    fused = evaluate(
        call, "--scores", "two.a", "--scores", "two.b", "--trials", "two.trials", "--calibration", "c.json",
        "--write-scores", "fused.txt",
    )  # fmt: skip
    alone = [evaluate(call, "--scores", f"two.{system}", "--trials", "two.trials") for system in "ab"]
    assert fused["eer"] < min(one["eer"] for one in alone) - 0.02
    assert evaluate(call, "--scores", "fused.txt", "--trials", "two.trials")["cllr"] == pytest.approx(
        fused["cllr"]
    )


def test_the_trials_that_were_fitted_on_are_refused_unless_asked_for(call, score_files):
    assert call("calibrate", "one.a", "--trials", "one.trials", "--out", "c.json")[0] == 0
    lines = Path("one.trials").read_text().splitlines()
    Path("shuffled.trials").write_text("\n".join(sorted(lines)))
    again = ("evaluate", "--scores", "one.a", "--trials", "shuffled.trials", "--calibration", "c.json")
    code, out, err = call(*again)
    assert (code, out) == (2, "")
    assert "The calibration was fitted on utterances of these trials (one.trials)" in err
    assert call(*again, "--same-trials")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (
            ("calibrate", "one.a", "one.b", "--method", "isotonic"),
            2,
            "An isotonic calibration takes one score file",
        ),
        (("calibrate", "one.a", "--p-target", "1"), 2, "p-target"),
        (
            ("calibrate", "flipped", "--out", "c.json"),
            6,
            "The scores cannot be calibrated: the score is not higher for targets",
        ),
        (("calibrate", "one.a", "--out", "one.a"), 2, "would overwrite"),
        (
            ("evaluate", "--scores", "one.a", "--calibration", "none.json"),
            6,
            "Cannot read the calibration none.json",
        ),
        (
            ("evaluate", "--scores", "one.a", "--calibration", "one.a"),
            6,
            "one.a is no calibration: the file: ",
        ),
        (
            ("evaluate", "--scores", "one.a", "--scores", "one.b"),
            2,
            "Several --scores are fused by a --calibration",
        ),
        (("evaluate", "--model", "m", "--calibration", "c.json"), 2, "--calibration is for --scores"),
    ],
)
def test_what_cannot_be_calibrated(call, score_files, arguments, code, message):
    trials = read_trials("one.trials")
    write_scores("flipped", trials, -read_scores("one.a", trials))
    if arguments[0] == "calibrate" and "--out" not in arguments:
        arguments = (*arguments, "--out", "c.json")
    found, out, err = call(*arguments, "--trials", "one.trials")
    assert (found, out) == (code, "")
    assert message in err
    assert not Path("c.json").exists()


def test_the_number_of_score_files_must_fit(call, score_files):
    assert call("calibrate", "one.a", "--trials", "one.trials", "--out", "c.json")[0] == 0
    scores = ("--scores", "two.a", "--scores", "two.b")
    code, _, err = call("evaluate", *scores, "--trials", "two.trials", "--calibration", "c.json")
    assert (code, err) == (6, "c.json takes 1 score file, not 2.\n")


@pytest.fixture(scope="module")
def voices(tmp_path_factory):
    """Six training speakers and five others, synthetic."""
    from speakertrip.corpora.synthetic import write_synthetic_corpus

    folder = tmp_path_factory.mktemp("voices")
    write_synthetic_corpus(folder, train_speakers=6, test_speakers=5, seed=0)
    return folder


def lists(folder, names, out):
    """Write a manifest of some speakers with durations, and all pairs of four utterances each."""
    from speakertrip.manifests import read_manifest

    kept = [u for u in read_manifest(folder / "manifest.test.jsonl") if u.speaker in names]
    by_speaker = {name: [u for u in kept if u.speaker == name][:4] for name in names}
    chosen = [u for own in by_speaker.values() for u in own]
    first, second = np.triu_indices(len(chosen), k=1)
    write_manifest(f"{out}.jsonl", [Utterance(u.id, u.path, u.speaker, u.session, 0.0, 0.5) for u in chosen])
    same = np.array([chosen[a].speaker == chosen[b].speaker for a, b in zip(first, second, strict=True)])
    write_trials(
        f"{out}.trials", Trials.of([chosen[a].id for a in first], [chosen[b].id for b in second], same)
    )
    return chosen


def test_a_bundle_with_a_backend(call, voices, bundle_folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    chosen = lists(voices, ["test-000", "test-001", "test-002"], "fit")
    lists(voices, ["test-003", "test-004"], "other")
    fit = ("--trials", "fit.trials", "--manifest", "fit.jsonl")
    cohort = ("--cohort", str(voices / "manifest.train.jsonl"), "--cohort-utterances", "4")
    steps = ("--centre", "--lda", "4", "--plda", "--norm", "as", "--top", "6", "--quality", "seconds")
    model = ("--model", str(bundle_folder))
    adapt = ("--adapt", "other.jsonl")
    code, out, err = call("backend", *model, *fit, *cohort, *steps, *adapt, "--out", "fitted")
    assert (code, err) == (0, "")
    assert out.startswith("fitted: threshold ")
    bundle, plain = Bundle.load("fitted"), Bundle.load(bundle_folder)
    assert bundle.identity == plain.identity
    assert bundle.backend.cohort.shape[0] == 6
    assert bundle.backend.calibration.names == ("score", "log_seconds_min", "log_seconds_max")
    assert "## Backend" in bundle.card
    table = bundle.calibration.false_alarms
    assert (table.nontargets, table.points[-1].rate) == (48, 0.3)  # 14 false alarms; at 0.2 there would be 9
    assert f"| 30 % | {table.points[-1].threshold:.4f} | [" in bundle.card

    refused = call("evaluate", "--model", "fitted", *fit)
    assert refused[0] == 2
    assert "fitted on utterances of these trials" in refused[2]
    other = ("--trials", "other.trials", "--manifest", "other.jsonl")
    assert call("score", "--model", "fitted", *other, "--out", "other.scores")[0] == 0
    scores = read_scores("other.scores", read_trials("other.trials"))
    assert len(set(scores)) > 10

    # One pair by the verifier scores as in a list, and says what the ratio means.
    verifier = SpeakerVerifier(bundle, tmp_path / "store.sqlite")
    decision = verifier.verify_against([str(chosen[0].path)], str(chosen[1].path))
    assert decision.llr == decision.score
    code, out, _ = call("verify", "--model", "fitted", "--against", str(chosen[0].path), str(chosen[1].path))
    assert code in (0, 1)
    assert " times as likely from " in out
    assert f"LLR {decision.score:.4f}" in out

    # And decides at a rate that its trials can say.
    pair = ("verify", "--model", "fitted", "--against", str(chosen[0].path), str(chosen[1].path), "--json")
    code, out, _ = call(*pair, "--far", "30%")
    row = json.loads(out)
    assert code == (0 if row["llr"] >= table.points[-1].threshold else 1)
    assert (row["threshold"], row["false_alarm_rate"]) == (table.points[-1].threshold, 14 / 48)
    code, out, err = call(*pair, "--far", "10%")
    assert (code, out) == (2, "")
    assert "The 48 nontarget trials of this bundle say no threshold" in err


@pytest.mark.parametrize(
    ("steps", "code", "message"),
    [
        (("--norm", "as"), 6, "are fitted to a cohort; name its manifest"),
        (
            ("--norm", "as", "--cohort", "fit.jsonl"),
            6,
            "The cohort holds 3 speakers of the trials, test-000 among them",
        ),
        (
            ("--method", "isotonic", "--quality", "seconds"),
            2,
            "An isotonic calibration takes the score alone",
        ),
        (("--quality", "cohort"), 2, "needs a score norm"),
        (("--adapt", "fit.jsonl"), 2, "Only PLDA adapts"),
        (("--cohort", "other.jsonl"), 2, "Only centring, LDA, PLDA and score norms are fitted to a cohort"),
    ],
)
def test_a_backend_that_cannot_be_fitted(
    call, voices, bundle_folder, tmp_path, monkeypatch, steps, code, message
):
    monkeypatch.chdir(tmp_path)
    lists(voices, ["test-000", "test-001", "test-002"], "fit")
    lists(voices, ["test-003", "test-004"], "other")
    options = (
        "--model",
        str(bundle_folder),
        "--trials",
        "fit.trials",
        "--manifest",
        "fit.jsonl",
        "--out",
        "fitted",
    )
    found, out, err = call("backend", *options, *steps)
    assert (found, out) == (code, "")
    assert message in err
    assert not Path("fitted").exists()
