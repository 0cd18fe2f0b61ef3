"""Models from elsewhere on the command line: scored at once, deciding once they have a threshold."""

import json
from pathlib import Path

import numpy as np
import pytest
from speechbrain_folder import ECAPA, make_folder

from speakertrip import Bundle
from speakertrip.manifests import Trials, Utterance, read_manifest, write_manifest, write_trials


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return make_folder(tmp_path_factory.mktemp("models") / "ecapa", ECAPA)


@pytest.fixture
def lists(tmp_path, monkeypatch, speech_like):
    """All pairs of three recordings each of four voices."""
    import soundfile

    monkeypatch.chdir(tmp_path)
    rows = []
    for speaker in range(4):
        for take in range(3):
            name = f"s{speaker}-{take}.wav"
            waveform = speech_like(0.8, speaker) + 0.01 * np.random.default_rng(take).standard_normal(12_800)
            soundfile.write(name, waveform.astype(np.float32), 16_000)
            rows.append(Utterance(name, tmp_path / name, f"s{speaker}"))
    write_manifest("manifest.jsonl", rows)
    first, second = np.triu_indices(len(rows), k=1)
    write_trials(
        "trials",
        Trials.of([rows[i].id for i in first], [rows[i].id for i in second], first // 3 == second // 3),
    )
    assert len(read_manifest("manifest.jsonl")) == 12
    return ("--trials", "trials", "--manifest", "manifest.jsonl")


def test_a_threshold_is_fitted_and_then_decides(speakertrip, model, lists):
    assert speakertrip("score", "--model", model, *lists, "--out", "scores") == (0, "scores: 66 scores\n", "")
    code, out, _ = speakertrip("evaluate", "--model", model, *lists, "--json")
    assert code == 0
    assert 0 <= json.loads(out)["eer"] <= 1
    probe = ("--against", "s0-0.wav", "s0-1.wav")
    code, out, err = speakertrip("verify", "--model", model, *probe)
    assert (code, out) == (5, "")
    assert err.startswith(f"No threshold is known of the model {model}: fit one to trials of your own")
    assert speakertrip("verify", "--model", model, *probe, "--threshold", "-1")[0] == 0
    code, out, err = speakertrip(
        "backend", "--model", model, *lists, "--method", "isotonic", "--out", "fitted"
    )
    assert (code, err) == (0, "")
    assert out.startswith("fitted: threshold ")
    assert speakertrip("verify", "--model", "fitted", *probe)[0] == 0
    assert Bundle.load("fitted").identity == Bundle.load(model).identity


@pytest.mark.parametrize(
    "words",
    [
        ("score", "--out", "scores"),
        ("evaluate",),
        ("backend", "--out", "fitted"),
        ("verify", "--against", "s0-0.wav", "s0-1.wav"),
        ("identify", "s0-1.wav", "--store", "speakers.sqlite"),
        ("enroll", "spk1", "s0-1.wav"),
    ],
)
def test_every_verb_takes_a_revision(speakertrip, model, lists, words):
    Path("speakers.sqlite").touch()  # an empty store, which is looked for before the model
    of_lists = lists if words[0] in ("score", "evaluate", "backend") else ()
    code, out, err = speakertrip(*words, *of_lists, "--model", model, "--revision", "main")
    assert (code, out) == (2, "")
    assert "is a folder here, which has no revisions" in err


def test_a_revision_is_of_a_model(speakertrip, lists):
    code, _, err = speakertrip("evaluate", "--scores", "scores", *lists, "--revision", "main")
    assert code == 2
    assert "--model and --scores exclude each other" in err
