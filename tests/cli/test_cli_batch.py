"""``enroll --manifest`` and ``verify --trials``."""

import json
from pathlib import Path

import numpy as np
import pytest

from speakertrip.bundle import Bundle
from speakertrip.corpora.synthetic import write_synthetic_corpus
from speakertrip.embedding import Embedder
from speakertrip.enrollment import SpeakerStore
from speakertrip.evaluation import BackendRecipe, fit_backend
from speakertrip.manifests import (
    Trials,
    read_manifest,
    read_scores,
    read_trials,
    write_enrollment_map,
    write_manifest,
    write_trials,
)

NAMES = ["test-002", "test-003"]


@pytest.fixture(scope="module")
def voices(tmp_path_factory) -> Path:
    """Return a folder with four training speakers and four others, and lists of two of these."""
    folder = tmp_path_factory.mktemp("voices")
    write_synthetic_corpus(folder, train_speakers=4, test_speakers=4, seconds=1.5, seed=0)
    test = [each for each in read_manifest(folder / "manifest.test.jsonl") if each.speaker in NAMES]
    write_manifest(folder / "m.jsonl", test)
    models = {
        name: [each.id for each in test if each.speaker == name][:count]
        for name, count in zip(NAMES, (3, 1), strict=True)
    }
    write_enrollment_map(folder / "map.txt", models)
    used = {id_ for ids in models.values() for id_ in ids}
    pairs = [(name, each.id, name == each.speaker) for each in test for name in NAMES if each.id not in used]
    write_trials(folder / "t.txt", Trials.of(*(list(column) for column in zip(*pairs, strict=True))))
    return folder


@pytest.fixture(scope="module")
def fitted(voices, bundle_folder, tmp_path_factory) -> Path:
    """Return a bundle with a score norm and a calibration by seconds and magnitudes, of other speakers."""
    bundle = Bundle.load(bundle_folder)
    test = read_manifest(voices / "manifest.test.jsonl")
    chosen = [each for each in test if each.speaker not in NAMES]
    first, second = np.triu_indices(len(chosen), k=1)
    ids = [each.id for each in chosen]
    same = np.array([chosen[a].speaker == chosen[b].speaker for a, b in zip(first, second, strict=True)])
    trials = Trials.of([ids[row] for row in first], [ids[row] for row in second], same)
    recipe = BackendRecipe(centre=True, norm="as", top=3, quality=("seconds", "magnitude", "cohort"))
    cohort = read_manifest(voices / "manifest.train.jsonl")
    backend = fit_backend(Embedder(bundle.model, "cpu"), recipe, trials, chosen, cohort=cohort).backend
    folder = tmp_path_factory.mktemp("fitted") / "bundle"
    bundle.with_backend(backend, bundle.calibration).save(folder)
    return folder


@pytest.fixture(autouse=True)
def place(voices, tmp_path, monkeypatch, bundle_folder):
    monkeypatch.chdir(voices)
    monkeypatch.setenv("SPEAKERTRIP_STORE", str(tmp_path / "speakers.sqlite"))
    monkeypatch.setenv("SPEAKERTRIP_MODEL", str(bundle_folder))
    return tmp_path


ENROLL = ("enroll", "--manifest", "m.jsonl", "--enrollments", "map.txt")
VERIFY = ("verify", "--trials", "t.txt", "--manifest", "m.jsonl")


@pytest.mark.parametrize("model", ["bundle_folder", "fitted"])
def test_the_scores_are_those_of_score(speakertrip, request, monkeypatch, place, model):
    monkeypatch.setenv("SPEAKERTRIP_MODEL", str(request.getfixturevalue(model)))
    assert speakertrip(*ENROLL)[0] == 0
    code, out, err = speakertrip(*VERIFY, "--out", place / "ours")
    assert (code, out, err) == (0, f"{place / 'ours'}: 24 scores\n", "")
    scored = ("score", "--trials", "t.txt", "--manifest", "m.jsonl", "--enrollments", "map.txt")
    assert speakertrip(*scored, "--out", place / "theirs")[0] == 0
    trials = read_trials("t.txt")
    ours, theirs = (read_scores(place / name, trials) for name in ("ours", "theirs"))
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-6)
    assert np.ptp(ours) > 1e-3
    code, out, err = speakertrip(*VERIFY, "--json")
    rows = [json.loads(line) for line in out.splitlines()]
    assert (code, err) == (0, "")
    assert [(row["enrollment"], row["test"]) for row in rows] == list(
        zip(trials.enrollments, trials.tests, strict=True)
    )
    np.testing.assert_allclose([row["score"] for row in rows], ours, atol=1e-6)
    assert {row["llr"] is None for row in rows} == {model == "bundle_folder"}


def test_the_best_utterance_of_a_speaker(speakertrip):
    speakertrip(*ENROLL)
    trials, best = read_trials("t.txt"), ("--scoring", "best", "--json")
    row = trials.enrollments.index(NAMES[0])
    answers = speakertrip(*VERIFY, *best)[1], speakertrip(*VERIFY, "--json")[1]
    ours, mean = (json.loads(out.splitlines()[row])["score"] for out in answers)
    alone = json.loads(speakertrip("verify", NAMES[0], trials.tests[row], *best)[1])
    assert ours == pytest.approx(alone["score"], abs=1e-6)
    assert ours != pytest.approx(mean, abs=1e-6)


def test_every_speaker_of_a_manifest(speakertrip):
    code, out, err = speakertrip("enroll", "--manifest", "m.jsonl")
    assert (code, err) == (0, "")
    assert [line.split(":")[0] for line in out.splitlines()] == NAMES
    assert all(": 8 utterances, " in line for line in out.splitlines())
    code, out, err = speakertrip("enroll", "--manifest", "m.jsonl", "--json")
    rows = [json.loads(line) for line in out.splitlines()]
    assert (code, err) == (0, "")
    assert [(row["name"], row["utterances"], row["added"]) for row in rows] == [
        (name, 8, 0) for name in NAMES
    ]
    code, out, err = speakertrip(*ENROLL)
    assert (code, out) == (4, "")
    assert [line.split(" ")[0] for line in err.splitlines()] == NAMES
    assert "from other utterances" in err
    code, out, _ = speakertrip(*ENROLL, "--add")
    assert (code, out.count(", enrolled before\n")) == (0, 2)
    code, out, _ = speakertrip(*ENROLL, "--replace")
    assert (code, out.splitlines()[1].split(",")[0]) == (0, "test-003: 1 utterance")


def test_a_store_that_is_removed_amid_a_batch_ends_it(speakertrip, monkeypatch, place):
    add = SpeakerStore.add

    def add_and_remove(self, *arguments):
        profile = add(self, *arguments)
        for path in place.glob("speakers.sqlite*"):
            path.unlink()
        return profile

    monkeypatch.setattr(SpeakerStore, "add", add_and_remove)
    code, out, err = speakertrip("enroll", "--manifest", "m.jsonl")
    assert (code, len(out.splitlines())) == (7, 1)
    assert err.endswith("was removed meanwhile; restore a copy, or start again to make a new one.\n")
    assert not (place / "speakers.sqlite").exists()


def test_a_killed_run_goes_on(speakertrip, monkeypatch, place):
    """The kill comes before the second speaker is stored; the first is not enrolled again."""
    with monkeypatch.context() as patch:
        add = SpeakerStore.add

        def killed(self, name, *rest):
            if name == NAMES[1]:
                raise KeyboardInterrupt
            return add(self, name, *rest)

        patch.setattr(SpeakerStore, "add", killed)
        assert speakertrip(*ENROLL)[0] == 130
    before = SpeakerStore(place / "speakers.sqlite").get(NAMES[0])
    code, out, _ = speakertrip(*ENROLL, "--json")
    assert (code, [json.loads(line)["added"] for line in out.splitlines()]) == (0, [0, 1])
    assert SpeakerStore(place / "speakers.sqlite").get(NAMES[0]).identifier == before.identifier


@pytest.fixture
def broken(place) -> Path:
    """Return a manifest in which an utterance of either speaker, and no other, has no file."""
    test = read_manifest("m.jsonl")
    trials = read_trials("t.txt")
    gone = {next(each.id for each in test if each.speaker == NAMES[0]), trials.tests[-1]}
    rows = [json.loads(line) for line in Path("m.jsonl").read_text().splitlines()]
    for row in rows:
        row["path"] = str(Path("absent.wav" if row["id"] in gone else row["path"]).absolute())
    (place / "broken.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return place / "broken.jsonl"


def test_audio_of_one_speaker_that_cannot_be_used(speakertrip, broken, place):
    code, out, err = speakertrip("enroll", "--manifest", broken, "--enrollments", "map.txt", "--json")
    rows = [json.loads(line) for line in out.splitlines()]
    assert (code, err.count("\n")) == (3, 1)
    assert err.startswith(f"{NAMES[0]} is not enrolled: ")
    assert rows[0] == {"name": NAMES[0], "error": err.rstrip("\n")}
    assert rows[1]["added"] == 1
    assert SpeakerStore(place / "speakers.sqlite").names() == NAMES[1:]


def test_a_probe_that_cannot_be_used(speakertrip, broken, place):
    speakertrip(*ENROLL)
    call = ("verify", "--trials", "t.txt", "--manifest", broken)
    code, out, err = speakertrip(*call)
    assert (code, err.count("\n"), out.count("\n")) == (3, 1, 22)
    assert "absent.wav" in err
    assert "\ttest/" not in out.split("\t", 1)[0]
    code, out, err = speakertrip(*call, "--json")
    errors = [row for row in map(json.loads, out.splitlines()) if "error" in row]
    assert (code, out.count("\n"), len(errors)) == (3, 24, 2)
    assert {row["error"] for row in errors} == {err.rstrip("\n")}
    code, out, err = speakertrip(*call, "--out", place / "scores", "--json")
    assert (code, json.loads(out)) == (3, {"out": str(place / "scores"), "trials": 24, "scores": 22})


def test_decisions_are_no_exit_code(speakertrip, rejecting_folder):
    speakertrip(*ENROLL)
    code, out, _ = speakertrip(*VERIFY, "--model", rejecting_folder)
    assert (code, out.count(": rejected (score ")) == (0, 24)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("enroll", "spk1", "--manifest", "m.jsonl"), 2, "give no NAME"),
        (("enroll", "spk1", "a.wav", "--enrollments", "map.txt"), 2, "give --manifest too"),
        (("enroll", "--manifest", "none.jsonl"), 6, "Cannot read the manifest none.jsonl"),
        (("enroll", "--manifest", "m.jsonl", "--enrollments", "none"), 6, "Cannot read the enrollment map"),
        (("enroll",), 2, "Missing argument 'NAME'"),
        (("enroll", "--manifest", "m.jsonl", "--add", "--replace"), 2, "exclude each other"),
        (("verify", "--trials", "t.txt"), 2, "Missing option '--manifest'"),
        ((*VERIFY, "spk1"), 2, "give no NAME, PROBE or --against"),
        ((*VERIFY, "--against", "a.wav"), 2, "give no NAME, PROBE or --against"),
        (("verify", "spk1", "a.wav", "--manifest", "m.jsonl"), 2, "go with --trials"),
        (("verify", "spk1", "a.wav", "--out", "x"), 2, "go with --trials"),
        ((*VERIFY, "--out", "t.txt"), 2, "would overwrite what is read"),
        (VERIFY, 4, "There is no store"),
        (("verify", "--trials", "none", "--manifest", "m.jsonl"), 6, "Cannot read the trial list none"),
    ],
)
def test_refusals(speakertrip, place, arguments, code, said):
    found, out, err = speakertrip(*arguments)
    assert (found, out, err.count("\n")) == (code, "", 1)
    assert said in err
    assert not (place / "speakers.sqlite").exists()
