import io
import json
import os
import sys
from pathlib import Path

import pytest

from speakertrip.audio import AudioBytes
from speakertrip.cli.sources import audio_source, expand_folders, require_one_stdin
from speakertrip.errors import AudioError, UsageError


def test_files_stay_names(monkeypatch):
    monkeypatch.setattr(sys, "stdin", None)
    for name in ("a.wav", "./-", "-a.wav", "--"):
        assert audio_source(name) == name


def test_standard_input_is_read_as_bytes(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"RIFF\xff\r\n")))
    assert audio_source("-") == AudioBytes(b"RIFF\xff\r\n", "Standard input")


def test_a_closed_standard_input(monkeypatch):
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(AudioError, match="Standard input is closed"):
        audio_source("-")


def test_standard_input_is_there_once():
    require_one_stdin(["-", "a.wav", "./-"])
    with pytest.raises(UsageError, match="can be read once"):
        require_one_stdin(["-", "a.wav", "-"])


NAMES = ["voices/b.WAV", "voices/a/2.flac", "voices/a/10.wav", "voices/.hidden.wav", "voices/.git/c.wav"]


def test_folders_stand_for_their_audio(tmp_path, monkeypatch, write_tree):
    monkeypatch.chdir(tmp_path)
    write_tree(tmp_path, NAMES)
    (tmp_path / "voices/notes.txt").write_text("no audio")
    (tmp_path / "empty").mkdir()
    inside = [str(Path("voices", name)) for name in ("a/10.wav", "a/2.flac", "b.WAV")]
    assert expand_folders(["z.wav", "voices", "-", "empty", "a" * 5000]) == [
        "z.wav", *inside, "-", "empty", "a" * 5000
    ]  # fmt: skip
    with pytest.raises(AudioError, match=r"^The folder empty holds no audio \(\.aac, .*\.webm\)\.$"):
        audio_source("empty")
    with pytest.raises(UsageError, match="can be read once"):
        expand_folders(["-", "voices", "-"])


@pytest.mark.skipif(
    os.name != "posix" or os.geteuid() == 0, reason="who may do everything is refused nothing"
)
def test_a_folder_that_cannot_be_read(tmp_path):
    (tmp_path / "locked").mkdir(mode=0)
    assert expand_folders([str(tmp_path / "locked")]) == [str(tmp_path / "locked")]
    with pytest.raises(AudioError, match="Cannot read the folder"):
        audio_source(str(tmp_path / "locked"))


@pytest.fixture
def voices(tmp_path, monkeypatch, write_speech, bundle_folder):
    """Make the current folder one with two folders of audio, and one without any."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SPEAKERTRIP_MODEL", str(bundle_folder))
    monkeypatch.setenv("SPEAKERTRIP_STORE", "speakers.sqlite")
    for folder in ("one", "two/deep", "empty"):
        (tmp_path / folder).mkdir(parents=True)
    for seed in range(2):
        write_speech(tmp_path / f"one/{seed}.wav", seed, 1.2)
        write_speech(tmp_path / f"two/deep/{seed}.wav", seed + 2, 1.2)


@pytest.mark.usefixtures("voices")
def test_every_verb_takes_folders(speakertrip):
    assert speakertrip("enroll", "spk1", "one") == (0, "spk1: 2 utterances, 2.4 s\n", "")
    probes = [str(Path("two", "deep", f"{seed}.wav")) for seed in range(2)]
    for call in (["verify", "spk1", "two"], ["verify", "--against", "one", "two"], ["identify", "two"]):
        code, out, err = speakertrip(*call, "--json")
        assert (code, err) == (0, "")
        assert [json.loads(line)["probe"] for line in out.splitlines()] == probes
    by_name = speakertrip("verify", "--against", "one/0.wav", "--against", "one/1.wav", *probes)
    assert speakertrip("verify", "--against", "one", "two") == by_name


@pytest.mark.usefixtures("voices")
def test_an_empty_folder_is_one_sentence(speakertrip):
    said = "The folder empty holds no audio (.aac, .flac, .m4a, .mp3, .mp4, .ogg, .opus, .wav, .webm).\n"
    assert speakertrip("enroll", "spk1", "one", "empty") == (3, "", said)
    assert speakertrip("verify", "--against", "empty", "one") == (3, "", said)
    code, out, err = speakertrip("verify", "--against", "one", "empty", "two", "--json")
    rows = [json.loads(line) for line in out.splitlines()]
    assert (code, err) == (3, said)
    assert [row.get("error") for row in rows] == [said.rstrip("\n"), None, None]
