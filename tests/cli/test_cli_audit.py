"""``speakertrip speakers audit``."""

import json
import sqlite3
from contextlib import closing

import pytest

from speakertrip.enrollment import SpeakerStore

KEYS = {"time", "action", "profile", "model", "score", "llr", "threshold", "decision"}


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch, write_speech, bundle_folder):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SPEAKERTRIP_MODEL", str(bundle_folder))
    monkeypatch.setenv("SPEAKERTRIP_STORE", "speakers.sqlite")
    for seed in range(3):
        write_speech(tmp_path / f"{seed}.wav", seed, 1.2)
    with SpeakerStore("speakers.sqlite").database.writing():
        pass  # nobody is in it
    return tmp_path


def test_the_log_from_its_beginning(speakertrip, rejecting_folder):
    assert speakertrip("speakers", "audit", "--on") == (0, "speakers.sqlite: the audit log is on\n", "")
    assert speakertrip("enroll", "spk1", "0.wav")[0] == 0
    assert speakertrip("verify", "spk1", "1.wav", "2.wav")[0] == 0
    assert speakertrip("verify", "spk1", "1.wav", "absent.wav", "--model", rejecting_folder)[0] == 3
    assert speakertrip("verify", "--against", "0.wav", "1.wav")[0] == 0
    assert speakertrip("identify", "1.wav")[0] == 0
    assert speakertrip("identify", "1.wav", "--model", rejecting_folder)[0] == 1
    assert speakertrip("speakers", "export", "all.jsonl")[0] == 0
    profile = SpeakerStore("speakers.sqlite").get("spk1")
    assert speakertrip("speakers", "remove", "spk1")[0] == 0
    code, out, err = speakertrip("speakers", "audit", "--json")
    rows = [json.loads(line) for line in out.splitlines()]
    assert (code, err) == (0, "")
    assert all(row.keys() == KEYS for row in rows)
    assert [(row["action"], row["profile"], row["decision"]) for row in rows] == [
        ("audit on", None, None),
        ("enroll", profile.identifier, None),
        ("verify", profile.identifier, "accepted"),
        ("verify", profile.identifier, "accepted"),
        ("verify", profile.identifier, "rejected"),
        ("identify", profile.identifier, "accepted"),
        ("identify", None, "rejected"),
        ("export", profile.identifier, None),
        ("remove", profile.identifier, None),
    ]
    assert {row["model"] for row in rows[1:]} - {None} == {profile.model}
    assert [row["threshold"] for row in rows[2:7]] == [-1.0, -1.0, 1.1, -1.0, 1.1]
    code, out, err = speakertrip("speakers", "audit")
    assert (code, err) == (0, "")
    assert "spk1" not in out
    lines = [line.split("  ", 1)[1] for line in out.splitlines()]
    assert lines[1] == f"enroll  {profile.identifier}  model {profile.model[:12]}"
    assert lines[4].startswith(f"verify  {profile.identifier}  model {profile.model[:12]}  rejected (score ")
    assert lines[6].startswith(f"identify  nobody  model {profile.model[:12]}  rejected (score ")
    assert lines[6].endswith(", threshold 1.1000)")


def test_off(speakertrip):
    off = "The audit log is off; --on begins to record.\n"
    assert speakertrip("speakers", "audit") == (0, "", off)
    for switch in ("--on", "--off", "--off"):
        code, out, err = speakertrip("speakers", "audit", switch)
        assert (code, out, err) == (0, f"speakers.sqlite: the audit log is {switch[2:]}\n", "")
    code, out, err = speakertrip("speakers", "audit", "--json")
    assert [json.loads(line)["action"] for line in out.splitlines()] == ["audit on", "audit off"]
    assert (code, err) == (0, off)


@pytest.mark.parametrize(
    ("since", "count"),
    [
        ("2026-01-02", 2),
        ("2026-01-02 12:00:00", 2),
        ("2026-01-02T12:00:01", 1),
        ("2026-01-02T14:00:00+0200", 2),
        ("2026-01-02T14:00:01+02:00", 1),
        ("2026-01-02T12:00:01Z", 1),
        ("2027-01-01", 0),
    ],
)
def test_since(speakertrip, since, count):
    for switch in ("--on", "--off", "--on"):
        speakertrip("speakers", "audit", switch)
    with closing(sqlite3.connect("speakers.sqlite")) as db, db:
        db.execute("UPDATE events SET time = '2026-01-0' || id || ' 12:00:00.250'")
    code, out, err = speakertrip("speakers", "audit", "--since", since)
    assert (code, len(out.splitlines()), err) == (0, count, "")


def test_calls_that_contradict_themselves(speakertrip):
    assert speakertrip("speakers", "audit", "--since", "yesterday")[0] == 2
    code, out, err = speakertrip("speakers", "audit", "--on", "--since", "2026-01-01")
    assert (code, out) == (2, "")
    assert err.startswith("--since goes with the list")


def test_a_log_that_cannot_be_written_refuses_to_verify(speakertrip, monkeypatch):
    speakertrip("enroll", "spk1", "0.wav")
    monkeypatch.setattr("speakertrip.enrollment.store.database.BUSY_SECONDS", 0.05)
    for on, codes in ((False, (0, 0, 0)), (True, (7, 7, 0))):
        if on:
            speakertrip("speakers", "audit", "--on")
        with closing(sqlite3.connect("speakers.sqlite", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            for verb, expected in zip(
                (("verify", "spk1"), ("identify",), ("verify", "--against", "0.wav")), codes, strict=True
            ):
                code, out, err = speakertrip(*verb, "1.wav")
                assert code == expected
                assert bool(out) == (code == 0)
                assert code == 0 or "which is on, cannot keep a decision; let" in err
                assert len(err.splitlines()) == (code > 0)
