import json
import sqlite3
from pathlib import Path

import numpy as np
import pytest

from speakertrip.enrollment import Enrollment, SpeakerStore

MODEL = "a1" * 32


@pytest.fixture(autouse=True)
def store(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SPEAKERTRIP_STORE", "speakers.sqlite")
    speakers = SpeakerStore("speakers.sqlite")
    vector = np.ones(4, np.float32)
    speakers.add("spk1", MODEL, [Enrollment(vector, "/audio/1.wav", "ab" * 32, 2.0, 1.5, 21.4, 0.01)])
    speakers.add("spk two", MODEL, [Enrollment(vector, f"/audio/{i}.wav", "", 1.25) for i in (2, 3)])
    return speakers


def test_list(speakertrip):
    code, out, err = speakertrip("speakers", "list")
    assert (code, err) == (0, "")
    first, second = out.splitlines()
    assert first.startswith("spk two     2 utterances      2.5 s  model a1a1a1a1a1a1  20")
    assert second.startswith("spk1        1 utterance       2.0 s  model a1a1a1a1a1a1  20")
    code, out, _ = speakertrip("speakers", "list", "--json")
    rows = [json.loads(line) for line in out.splitlines()]
    assert [(row["name"], row["utterances"], row["seconds"]) for row in rows] == [
        ("spk two", 2, 2.5),
        ("spk1", 1, 2.0),
    ]


def test_nobody(speakertrip, monkeypatch, tmp_path):
    monkeypatch.delenv("SPEAKERTRIP_STORE")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert speakertrip("speakers", "list") == (0, "", "Nobody is enrolled.\n")
    assert speakertrip("speakers", "list", "--json") == (0, "", "")
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    "verb", [("list",), ("list", "--json"), ("audit",), ("audit", "--on"), ("audit", "--off")]
)
def test_a_store_that_is_named_and_not_there(speakertrip, monkeypatch, verb):
    said = "There is no store none.sqlite; enroll a speaker first, or name another file.\n"
    assert speakertrip("speakers", *verb, "--store", "none.sqlite") == (4, "", said)
    monkeypatch.setenv("SPEAKERTRIP_STORE", "none.sqlite")
    assert speakertrip("speakers", *verb) == (4, "", said)
    assert not Path("none.sqlite").exists()


def test_show(speakertrip, store):
    code, out, _ = speakertrip("speakers", "show", "spk1")
    assert code == 0
    assert out.startswith("spk1: 1 utterance, since 20")
    assert f"model       {MODEL}\n" in out
    assert "  /audio/1.wav  2.0 s  speech 1.5 s  SNR 21 dB  clipped 1.0%  sha256 abababababab\n" in out
    code, out, _ = speakertrip("speakers", "show", "spk1", "--json")
    row = json.loads(out)
    assert row["identifier"] == store.get("spk1").identifier
    assert row["enrollments"][0].keys() == {
        "path", "sha256", "seconds", "speech_seconds", "snr_db", "clipped", "created"
    }  # fmt: skip


def test_rename_and_remove(speakertrip, store):
    assert speakertrip("speakers", "rename", "spk1", "Zo\u00eb") == (0, "spk1 is now Zo\u00eb\n", "")
    assert store.names() == ["Zo\u00eb", "spk two"]
    assert speakertrip("speakers", "remove", "spk two") == (0, "spk two: removed\n", "")
    code, out, _ = speakertrip("speakers", "remove", "Zo\u00eb", "--json")
    assert (code, json.loads(out)) == (0, {"name": "Zo\u00eb", "removed": True, "erased": True})
    assert store.names() == []


def test_a_name_that_is_said_twice_is_removed_once(speakertrip, store):
    assert speakertrip("speakers", "remove", "spk1", " spk1", "spk1") == (0, "spk1: removed\n", "")
    assert store.names() == ["spk two"]


def test_an_erasure_that_must_wait_says_so(speakertrip, monkeypatch):
    monkeypatch.setattr("speakertrip.enrollment.store.database.ERASING_SECONDS", 0.05)
    reader = sqlite3.connect("speakers.sqlite", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM speakers").fetchall()
    assert speakertrip("speakers", "remove", "spk1") == (0, "spk1: removed, erasure pending\n", "")
    reader.close()


def test_export_and_import(speakertrip, store):
    assert speakertrip("speakers", "export", "all.jsonl") == (0, "all.jsonl: 2 speakers\n", "")
    assert speakertrip("speakers", "export", "one.jsonl", "spk two") == (0, "one.jsonl: 1 speaker\n", "")
    other = ("--store", "other.sqlite")
    assert speakertrip("speakers", "import", "one.jsonl", *other) == (
        0,
        "other.sqlite: 1 speaker imported\n",
        "",
    )
    code, out, err = speakertrip("speakers", "import", "all.jsonl", *other)
    assert (code, out) == (4, "")
    assert err == "spk two is enrolled already; replace it by --replace.\n"
    assert speakertrip("speakers", "import", "all.jsonl", "--replace", *other)[0] == 0
    assert SpeakerStore("other.sqlite").names() == store.names()


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("show", "spk9"), 4, "No speaker named spk9 is enrolled in speakers.sqlite."),
        (("rename", "spk9", "spk8"), 4, "No speaker named spk9"),
        (("rename", "spk1", "spk two"), 4, "spk two is enrolled already; give spk1 another name."),
        (("remove", "spk9"), 4, "No speaker named spk9"),
        (("remove", "spk1", "spk9", "spk two"), 4, "No speaker named spk9"),
        (("remove",), 2, "Missing argument"),
        (("export", "x.jsonl", "spk9"), 4, "No speaker named spk9"),
        (("export", "/proc/x.jsonl"), 7, "Cannot write /proc/"),
        (("export", "speakers.sqlite"), 7, "speakers.sqlite is there already, and is not overwritten; name"),
        (("export", "-", "spk1"), 2, "not exported to the standard output; name a FILE"),
        (("import", "none.jsonl"), 6, "Cannot read the file of speakers none.jsonl"),
        (("import", "speakers.sqlite"), 6, "is not UTF-8 text"),
    ],
)
def test_refusals(speakertrip, store, arguments, code, said):
    found, out, err = speakertrip("speakers", *arguments)
    assert (found, out) == (code, "")
    assert not Path("-").exists()
    assert said in err
    assert len(err.splitlines()) == 1
    assert store.names() == ["spk two", "spk1"]
