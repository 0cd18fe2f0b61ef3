"""The model that ships, on the command line: it is never written over, and short references are told of."""

import re
from pathlib import Path

import pytest

from speakertrip.bundle.source import DEFAULT
from speakertrip.manifests import Trials, Utterance, write_manifest, write_trials


@pytest.fixture(autouse=True)
def nothing_named(monkeypatch, tmp_path):
    monkeypatch.delenv("SPEAKERTRIP_MODEL", raising=False)
    monkeypatch.chdir(tmp_path)


def test_it_is_not_written_over(speakertrip, bundle_folder, write_speech):
    before = {path.name: path.read_bytes() for path in DEFAULT.iterdir()}
    audio = [write_speech(Path(f"{number}.wav").absolute(), number) for number in range(3)]
    write_manifest("m.jsonl", [Utterance(str(n), path, f"s{n // 2}") for n, path in enumerate(audio)])
    write_trials("t.txt", Trials.of(["0", "0"], ["1", "2"], [True, False]))
    lists = ("--trials", "t.txt", "--manifest", "m.jsonl")
    for words in (("backend", *lists), ("bundle", "import", bundle_folder)):
        code, out, err = speakertrip(*words, "--out", DEFAULT)
        assert (code, out) == (2, "")
        assert "is the model that ships with speakertrip; name another folder" in err
    assert {path.name: path.read_bytes() for path in DEFAULT.iterdir()} == before


def test_a_short_reference_is_told_of(speakertrip, write_speech):
    write_speech(Path("short.wav"), 0, 1.0)
    write_speech(Path("long.wav"), 0, 6.0)
    _, _, err = speakertrip("verify", "--against", "short.wav", "long.wav")
    assert err.startswith(
        "The reference is known by only 1.0 s of speech: with 1 s on each side, this model misses "
    )
    assert speakertrip("enroll", "ada", "short.wav", "--store", "s.sqlite", "--min-speech", "0.5")[0] == 0
    _, _, err = speakertrip("verify", "ada", "long.wav", "--store", "s.sqlite")
    assert "ada is known by only 1.0 s of speech" in err
    _, _, err = speakertrip("verify", "--against", "long.wav", "long.wav")
    assert "is known by" not in err


def test_verify_says_how_often_it_errs_where_nothing_is_short(speakertrip, write_speech):
    write_speech(Path("short.wav"), 0, 1.0)
    write_speech(Path("long.wav"), 0, 6.0)
    asked = ("verify", "--against", "long.wav", "long.wav")
    rates = r"Expect [\d.]+ % of strangers to be accepted and [\d.]+ % of speakers to be rejected, if "
    assert re.match(rates, speakertrip(*asked)[2])
    assert "Expect 1 % of strangers" in speakertrip(*asked, "--far", "1%")[2]
    assert "Expect" in speakertrip(*asked, "short.wav")[2]  # of the long one
    assert "Expect" not in speakertrip("verify", "--against", "long.wav", "short.wav")[2]
    assert "Expect" not in speakertrip("verify", "--against", "short.wav", "long.wav")[2]
    assert "Expect" in speakertrip(*asked, "--threshold", "1")[2]
    assert (
        "Expect" not in speakertrip(*asked, "--threshold", "1", "--scoring", "best")[2]
    )  # of which none are known
    assert speakertrip(*asked, "--json")[2] == ""
