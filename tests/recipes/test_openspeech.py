"""Real speech through the real command line: train a little, evaluate, enroll, verify, and refuse what is no speech."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from speakertrip.manifests import read_manifest, write_manifest

ROOT = Path(__file__).parents[2]
OPENSPEECH = ROOT.parent / "shared" / "openspeech"

pytestmark = pytest.mark.skipif(not OPENSPEECH.exists(), reason="needs ../shared/openspeech")


def speakertrip(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "speakertrip", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    """A model after a few steps on a few dozen speakers, trained from a folder without any dev list."""
    folder = tmp_path_factory.mktemp("openspeech")
    several = {}
    for utterance in read_manifest(OPENSPEECH / "manifest.train.jsonl"):
        several.setdefault(utterance.speaker, []).append(utterance)
    chosen = [each for each in several.values() if len(each) >= 3][:40] + list(several.values())[:10]
    write_manifest(folder / "manifest.train.jsonl", {u.id: u for each in chosen for u in each}.values())
    done = speakertrip(
        *("train", ROOT / "recipes/openspeech/ecapa-small.toml", "--data", folder, "--out", folder / "run"),
        *("--set", "optimizer.steps=8", "--set", "optimizer.warmup_steps=1"),
        *("--set", "validation.speakers=10", "--set", "validation.every=8"),
        *("--set", "encoder.channels=32", "--set", "batch.speakers=16", "--threads", "1"),
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == f"{folder / 'run'}/bundle"
    return folder / "run" / "bundle"


@pytest.fixture(scope="module")
def two_speakers():
    speakers = {}
    for utterance in read_manifest(OPENSPEECH / "manifest.dev.jsonl"):
        if utterance.id.startswith("lst/"):
            speakers.setdefault(utterance.speaker, []).append(utterance.path)
    return list(speakers.values())[:2]


def test_evaluate_reports_what_the_issue_of_scripts_needs(bundle, tmp_path):
    lines = (OPENSPEECH / "trials.librispeech-2s.txt").read_text().splitlines()[:400]
    (tmp_path / "trials.txt").write_text("\n".join(lines))
    scores = tmp_path / "scores.txt"
    done = speakertrip(
        *("evaluate", "--model", bundle, "--trials", tmp_path / "trials.txt", "--write-scores", scores),
        *("--manifest", OPENSPEECH / "manifest.dev-2s.jsonl", "--json", "--threads", "1"),
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["trials"] == 400
    assert result["targets"] == sum(line.startswith("1") for line in lines)
    low, high = result["eer_interval"]
    assert 0 <= low <= result["eer"] <= high <= 1
    assert set(result["min_dcf"]) == {"0.01", "0.05"}
    assert len(scores.read_text().splitlines()) == 400


def test_enroll_then_verify(bundle, two_speakers, tmp_path):
    ours, theirs = two_speakers
    shared = ("--model", bundle, "--store", tmp_path / "store.sqlite", "--json")
    done = speakertrip("enroll", "spk1", *ours[:3], *shared)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["utterances"] == 3
    done = speakertrip("verify", "spk1", ours[3], theirs[0], *shared)
    assert done.returncode in (0, 1), done.stderr
    own, other = map(json.loads, done.stdout.splitlines())
    assert own["score"] > other["score"]  # even a few steps tell these two voices apart
    assert own["decision"] == ("accepted" if own["score"] >= own["threshold"] else "rejected")


@pytest.mark.parametrize("kind", ["missing", "text", "silence"])
def test_what_is_no_speech_is_refused_in_one_sentence(bundle, two_speakers, tmp_path, kind):
    probe = tmp_path / "probe.wav"
    if kind == "text":
        probe.write_text("this is no audio\n" * 200)
    elif kind == "silence":
        soundfile.write(probe, np.zeros(32_000, np.float32), 16_000)
    done = speakertrip("verify", "--against", two_speakers[0][0], probe, "--model", bundle)
    assert done.returncode == 3
    assert done.stdout == ""
    assert str(probe) in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
