import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from speakertrip import Bundle, Embedder, evaluate, read_manifest, read_trials
from speakertrip.cli import run
from speakertrip.manifests import Utterance, read_scores, write_manifest

IDS = [f"spk{speaker}/{number}.wav" for speaker in range(3) for number in range(2)]
TRIALS = [f"{int(a[:4] == b[:4])} {a} {b}\n" for i, a in enumerate(IDS) for b in IDS[:i]]
CAUTION = (
    "The interval says little: it rests on 3 target trials of 3 speakers; "
    "use a list with target trials of at least 10 speakers.\n"
)
ARGUMENTS = ["evaluate", "--trials", "trials.txt", "--manifest", "manifest.jsonl"]


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch, write_speech, bundle_folder) -> Path:
    """Make the current folder a corpus of three speakers with a trial list."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SPEAKERTRIP_MODEL", str(bundle_folder))
    for seed, id_ in enumerate(IDS):
        (tmp_path / id_).parent.mkdir(exist_ok=True)
        write_speech(tmp_path / id_, seed, 0.5)
    write_manifest("manifest.jsonl", [Utterance(id_, tmp_path / id_, id_[:4]) for id_ in IDS])
    Path("trials.txt").write_text("".join(TRIALS))
    return tmp_path


@pytest.fixture
def speakertrip(capsys) -> Callable[..., tuple[int, str, str]]:
    def call(*arguments: str) -> tuple[int, str, str]:
        code = run([*ARGUMENTS, *arguments])
        return code, *capsys.readouterr()

    return call


def test_the_report_is_that_of_the_package(speakertrip, bundle_folder):
    code, out, err = speakertrip("--json", "--write-scores", "scores.txt")
    assert (code, err, out.count("\n")) == (0, CAUTION, 1)
    embedder = Embedder(Bundle.load(bundle_folder).model)
    trials, utterances = read_trials("trials.txt"), read_manifest("manifest.jsonl")
    assert json.loads(out) == evaluate(embedder, trials, utterances).to_json()
    assert (json.loads(out)["trials"], json.loads(out)["targets"], json.loads(out)["speakers"]) == (15, 3, 3)
    scores = read_scores("scores.txt", trials)
    assert np.abs(scores).max() <= 1
    assert len(set(scores)) > 1


def test_the_table(speakertrip):
    code, out, err = speakertrip()
    assert (code, err) == (0, CAUTION)
    names = [line[:18].strip() for line in out.splitlines()]
    assert names == [
        "trials", "EER", "EER, convex hull", "minDCF(0.01)", "minDCF(0.05)", "actDCF(0.01)", "actDCF(0.05)",
        "Cllr", "minCllr",
    ]  # fmt: skip
    assert "15 (3 target), 3 speakers" in out
    assert "95 % interval over speakers" in out


def test_enrollment_map(speakertrip):
    Path("map.txt").write_text("".join(f"model{i} spk{i}/0.wav spk{i}/1.wav\n" for i in range(3)))
    Path("trials.txt").write_text(
        "".join(f"{int(id_[3] == str(i))} model{i} {id_}\n" for i in range(3) for id_ in IDS)
    )
    code, out, err = speakertrip("--enrollments", "map.txt", "--json")
    assert (code, err) == (0, CAUTION.replace("3 target", "6 target"))
    assert json.loads(out)["trials"] == 18
    assert json.loads(out)["speakers"] == 3


def test_an_interval_of_one_speaker(speakertrip):
    Path("trials.txt").write_text("1 spk0/0.wav spk0/1.wav\n0 spk0/0.wav spk1/0.wav\n")
    code, out, err = speakertrip("--json")
    assert (code, len(err.splitlines())) == (0, 1)
    assert "rests on 1 target trial of 1 speaker;" in err
    assert set(json.loads(out)) == {
        "trials", "targets", "speakers", "target_speakers", "speakers_from", "eer", "eer_interval",
        "eer_convex_hull", "min_dcf",
        "act_dcf", "cllr", "min_cllr", "intervals",
    }  # fmt: skip


def test_an_interval_of_enough_speakers(speakertrip, place, write_speech):
    ids = [f"spk{speaker}/0.wav" for speaker in range(10)]
    for seed, id_ in enumerate(ids):
        (place / id_).parent.mkdir(exist_ok=True)
        write_speech(place / id_, seed, 0.5)
    write_manifest("manifest.jsonl", [Utterance(id_, place / id_, id_[:4]) for id_ in ids])
    Path("trials.txt").write_text(f"0 {ids[0]} {ids[1]}\n" + "".join(f"1 {id_} {id_}\n" for id_ in ids))
    assert speakertrip("--json")[::2] == (0, "")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("trials.txt", "1 spk0/0.wav\n", "trials.txt, line 1: a trial has 3 fields"),
        ("trials.txt", "1 spk0/0.wav spk9/0.wav\n0 spk0/0.wav spk1/0.wav\n", "spk9/0.wav"),
        ("trials.txt", "1 spk0/0.wav spk1/0.wav\n0 spk0/0.wav spk2/0.wav\n", "spk0/0.wav and spk1/0.wav"),
        ("trials.txt", "1 spk0/0.wav spk0/1.wav\n", "holds no nontarget trial"),
        ("trials.txt", "", "holds no trial"),
        ("trials.txt", None, "Cannot read the trial list"),
        ("manifest.jsonl", '{"id": "a"}\n', "manifest.jsonl, line 1: "),
        ("manifest.jsonl", "not JSON\n", "manifest.jsonl, line 1: not JSON"),
        ("manifest.jsonl", None, "Cannot read the manifest"),
        ("map.txt", "model0 spk0/0.wav spk1/0.wav\n", "model0 mixes speakers"),
        ("map.txt", "model0\n", "map.txt, line 1: "),
        ("map.txt", "model0 spk9/0.wav\n", "spk9/0.wav"),
        ("map.txt", None, "Cannot read the enrollment map"),
    ],
)
def test_bad_lists(speakertrip, name, content, message):
    Path(name).unlink(missing_ok=True)
    if content is not None:
        Path(name).write_text(content)
    code, out, err = speakertrip(*(["--enrollments", "map.txt"] if name == "map.txt" else []))
    assert (code, out) == (6, "")
    assert message in err
    assert len(err.splitlines()) == 1


def test_bad_audio(speakertrip):
    Path(IDS[3]).unlink()
    code, out, err = speakertrip("--json")
    assert (code, out) == (3, "")
    assert err.startswith(f"Utterance {IDS[3]}: Cannot read ")
    assert len(err.splitlines()) == 1


def test_scores_that_cannot_be_written(speakertrip):
    for target in (f"{IDS[0]}/scores.txt", "spk0"):
        code, out, err = speakertrip("--write-scores", target)
        assert (code, out) == (7, "")
        assert err.startswith("Cannot write")


def test_no_bundle(speakertrip, place, bundle_folder):
    assert speakertrip("--model", "absent")[0] == 5
    shutil.copytree(bundle_folder, place / "model")
    (place / "model" / "README.md").write_text("edited")
    code, out, err = speakertrip("--model", "model")
    assert (code, out) == (5, "")
    assert "README.md is not what was written" in err
