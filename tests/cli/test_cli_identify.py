import json
import sys

import numpy as np
import pytest
import soundfile


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch, write_speech, bundle_folder):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SPEAKERTRIP_MODEL", str(bundle_folder))
    monkeypatch.setenv("SPEAKERTRIP_STORE", "speakers.sqlite")
    for seed in range(4):
        write_speech(tmp_path / f"{seed}.wav", seed, 1.2)
    soundfile.write("silence.wav", np.zeros(32_000, np.float32), 16_000)
    return tmp_path


@pytest.fixture
def enrolled(speakertrip):
    for number in range(3):
        assert speakertrip("enroll", f"spk{number}", f"{number}.wav")[0] == 0


def test_a_file_that_was_enrolled_is_its_speaker(speakertrip, enrolled):
    code, out, err = speakertrip("identify", "1.wav", "--top", "2")
    assert (code, err) == (0, "")
    first, second = out.splitlines()
    assert first.startswith("1.wav: spk1 (score 1.0000, threshold -1.0000)")
    assert second.startswith("    spk")


def test_the_answers_are_those_of_verify(speakertrip, enrolled):
    code, out, _ = speakertrip("identify", "3.wav", "--json")
    found = json.loads(out)
    assert (code, found["profiles"], len(found["candidates"])) == (0, 3, 3)
    assert found["speaker"] == found["candidates"][0]["name"]
    for each in found["candidates"]:
        row = json.loads(speakertrip("verify", each["name"], "3.wav", "--json")[1])
        assert each["score"] == pytest.approx(row["score"], abs=1e-6)
        assert (each["llr"], found["threshold"], found["speech_seconds"]) == (
            row["llr"], row["threshold"], row["speech_seconds"],
        )  # fmt: skip


def test_the_best_utterance(speakertrip, enrolled):
    assert speakertrip("enroll", "spk0", "3.wav", "--add")[0] == 0
    for scoring, score in (("mean", 0.0), ("best", 1.0)):
        out = speakertrip("identify", "3.wav", "--json", "--scoring", scoring)[1]
        [found] = [each for each in json.loads(out)["candidates"] if each["name"] == "spk0"]
        row = json.loads(speakertrip("verify", "spk0", "3.wav", "--json", "--scoring", scoring)[1])
        assert found["score"] == pytest.approx(row["score"], abs=1e-6)
        assert (found["score"] > 1 - 1e-6) == (score == 1.0)
    against = ("verify", "--against", "0.wav", "--against", "3.wav", "3.wav", "--json", "--scoring")
    rows = [json.loads(speakertrip(*against, scoring)[1]) for scoring in ("mean", "best")]
    assert rows[0]["score"] < rows[1]["score"] == pytest.approx(1.0)


def test_an_approximate_search(speakertrip, enrolled, monkeypatch):
    pytest.importorskip("usearch")
    exact = speakertrip("identify", "3.wav", "--json")
    assert speakertrip("identify", "3.wav", "--json", "--approximate") == exact
    monkeypatch.setitem(sys.modules, "usearch.index", None)
    code, out, err = speakertrip("identify", "3.wav", "--approximate")
    assert (code, out) == (2, "")
    assert "pip install 'speakertrip[search]'" in err


def test_what_is_removed_leaves_the_folder_beside_the_store(speakertrip, enrolled, place):
    assert speakertrip("identify", "1.wav")[0] == 0
    folder = place / "speakers.sqlite-search"
    assert folder.is_dir()
    assert any(path.name == "rows" for path in folder.rglob("*"))
    for number in range(3):
        assert speakertrip("speakers", "remove", f"spk{number}")[0] == 0
    assert not any(any(path.read_bytes()) for path in folder.rglob("rows"))


def test_nobody(speakertrip, enrolled, rejecting_folder):
    code, out, err = speakertrip("identify", "3.wav", "--top", "1", "--model", rejecting_folder)
    assert (code, err) == (1, "")
    assert out.startswith("3.wav: nobody (the nearest of 3 is spk")
    code, out, _ = speakertrip("identify", "3.wav", "--json", "--model", rejecting_folder)
    assert (code, json.loads(out)["speaker"]) == (1, None)


def test_a_probe_that_cannot_be_used_is_said_and_the_others_are_answered(speakertrip, enrolled):
    code, out, err = speakertrip("identify", "silence.wav", "0.wav")
    assert code == 3
    assert out.startswith("0.wav: spk0 (")
    assert "silence.wav" in err


def test_nobody_is_enrolled(speakertrip):
    code, out, err = speakertrip("identify", "0.wav")
    assert (code, out) == (4, "")
    assert err.startswith("There is no store speakers.sqlite; enroll a speaker first")
