"""The audit log: what is kept of what was done, and that nothing is done that cannot be."""

import os
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest

from speakertrip.backend import decide
from speakertrip.enrollment import (
    Enrollment,
    SpeakerStore,
    decrypt_store,
    encrypt_store,
    read_profiles,
    write_profiles,
)
from speakertrip.enrollment.store.audit import AuditLog
from speakertrip.enrollment.store.database import Database
from speakertrip.errors import DataError, StorageError, StoreError

MODEL, KEY = "0" * 64, bytes(range(32))
TIME = re.compile(r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}")


def enrollments(seed=0):
    vector = np.random.default_rng(seed).standard_normal(24).astype(np.float32)
    return [Enrollment(vector, f"/audio/of-{seed}.wav", f"{seed:02}" * 32, 1.5)]


@pytest.fixture(params=[None, KEY], ids=["plain", "encrypted"])
def speakers(request, tmp_path):
    return SpeakerStore(tmp_path / "speakers.sqlite", request.param)


def told(speakers):
    return [(event.action, event.profile) for event in speakers.audit.events()]


def test_nothing_is_kept_unless_it_is_on(speakers):
    assert not speakers.audit.is_on()
    assert speakers.audit.events() == []
    assert not speakers.path.exists()
    speakers.add("spk1", MODEL, enrollments())
    speakers.audit.decided("verify", "ab" * 16, MODEL, decide(0.5, 0.4))
    assert told(speakers) == []
    speakers.audit.switch(False)
    assert told(speakers) == []
    for on in (True, True, False, False):
        speakers.audit.switch(on)
        assert speakers.audit.is_on() is on
    speakers.remove("spk1")
    assert told(speakers) == [("audit on", None), ("audit off", None)]


def test_what_is_done_with_profiles(speakers, tmp_path):
    speakers.audit.switch(True)
    first = speakers.add("spk1", MODEL, enrollments(0)).identifier
    speakers.add("spk1", MODEL, enrollments(1), "add")
    second = speakers.add("spk1", MODEL, enrollments(2), "replace").identifier
    third = speakers.add("spk2", MODEL, enrollments(3), "add").identifier
    speakers.rename("spk1", "spk3")
    write_profiles(tmp_path / "two.jsonl", speakers.export())
    speakers.restore(read_profiles(tmp_path / "two.jsonl"), replace=True)
    speakers.remove("spk2")
    fourth, fifth = second, third  # what is imported keeps its identifier
    assert told(speakers) == [
        ("audit on", None),
        ("enroll", first),
        ("add", first),
        ("remove", first),
        ("replace", second),
        ("enroll", third),
        ("rename", second),
        ("export", third),
        ("export", second),
        ("remove", third),
        ("import", fifth),
        ("remove", second),
        ("import", fourth),
        ("remove", third),
    ]
    events = speakers.audit.events()
    assert all(TIME.fullmatch(event.time) for event in events)
    assert [event.time for event in events] == sorted(event.time for event in events)
    assert {event.model for event in events if event.action in ("enroll", "import", "export")} == {MODEL}
    assert {event.accepted for event in events} == {None}


def test_the_log_keeps_no_name_and_outlives_the_profile(speakers):
    speakers.audit.switch(True)
    several = enrollments(7)
    speakers.add("spk-of-old", MODEL, several)
    speakers.rename("spk-of-old", "spk-of-late")
    assert speakers.remove("spk-of-late")
    content = speakers.path.read_bytes()
    for piece in (b"spk-of", several[0].embedding.tobytes()[:8], b"/audio", several[0].sha256.encode()):
        assert piece not in content
    assert [action for action, _ in told(speakers)] == ["audit on", "enroll", "rename", "remove"]


@pytest.mark.parametrize("calibrated", [False, True])
def test_decisions(speakers, calibrated):
    speakers.audit.switch(True)
    speakers.audit.decided("verify", "ab" * 16, MODEL, decide(0.75, 0.5, calibrated))
    speakers.audit.decided("identify", None, MODEL, decide(-2.5, 0.5, calibrated))
    _, first, second = speakers.audit.events()
    assert (first.action, first.profile, first.model) == ("verify", "ab" * 16, MODEL)
    assert (first.score, first.threshold, first.accepted) == (0.75, 0.5, True)
    assert first.llr == (0.75 if calibrated else None)
    assert (second.action, second.profile, second.score, second.accepted) == ("identify", None, -2.5, False)


def test_since(speakers):
    speakers.audit.switch(True)
    for _ in range(3):
        speakers.audit.decided("verify", "ab" * 16, MODEL, decide(0.5, 0.5))
    with closing(sqlite3.connect(speakers.path)) as db, db:
        db.executemany(
            "UPDATE events SET time = ? WHERE id = ?",
            [(f"2026-01-0{i} 12:00:00.500", i) for i in range(1, 5)],
        )
    for since, count in (("", 4), ("2026-01-03", 2), ("2026-01-03 12:00:00", 2), ("2026-01-03 12:00:01", 1)):
        assert len(speakers.audit.events(since)) == count
    assert speakers.audit.events("2026-01-05") == []


def test_what_fails_is_not_told(speakers, tmp_path):
    speakers.audit.switch(True)
    speakers.add("spk1", MODEL, enrollments())
    before = told(speakers)
    (tmp_path / "bad.jsonl").write_text("{}\n")
    for call in (
        lambda: speakers.add("spk1", MODEL, enrollments()),
        lambda: speakers.add("spk1", "1" * 64, enrollments(), "add"),
        lambda: speakers.restore(read_profiles(tmp_path / "bad.jsonl")),
        lambda: speakers.rename("spk2", "spk3"),
        lambda: write_profiles(tmp_path / "two.jsonl", speakers.export(["spk1", "spk2"])),
    ):
        with pytest.raises((StoreError, DataError)):
            call()
    assert told(speakers) == before
    assert not (tmp_path / "two.jsonl").exists()


def test_an_export_that_cannot_be_told_is_none(speakers, tmp_path, monkeypatch):
    speakers.add("spk1", MODEL, enrollments())
    speakers.audit.switch(True)
    monkeypatch.setattr("speakertrip.enrollment.store.database.BUSY_SECONDS", 0.05)
    with closing(sqlite3.connect(speakers.path, isolation_level=None)) as db:
        db.execute("BEGIN IMMEDIATE")
        with pytest.raises(StorageError, match="locked"):
            write_profiles(tmp_path / "one.jsonl", speakers.export())
        with pytest.raises(StorageError, match=r"locked, so that its audit log, which is on, cannot keep"):
            speakers.audit.decided("verify", "ab" * 16, MODEL, decide(0.5, 0.5))
    assert not (tmp_path / "one.jsonl").exists()


def test_while_it_is_off_nothing_is_opened_for_writing(speakers, tmp_path, monkeypatch):
    speakers.add("spk1", MODEL, enrollments())
    monkeypatch.setattr(Database, "writing", None)
    speakers.audit.decided("verify", "ab" * 16, MODEL, decide(0.5, 0.5))
    assert write_profiles(tmp_path / "one.jsonl", speakers.export()) == 1


def test_conversions_are_told(tmp_path):
    file = tmp_path / "speakers.sqlite"
    SpeakerStore(file).audit.switch(True)
    encrypt_store(file, KEY)
    decrypt_store(file, KEY)
    assert [action for action, _ in told(SpeakerStore(file))] == ["audit on", "encrypt", "decrypt"]


def test_a_key_that_does_not_fit(tmp_path):
    file = tmp_path / "speakers.sqlite"
    SpeakerStore(file, KEY).audit.switch(True)
    for call in (lambda log: log.is_on(), lambda log: log.events(), lambda log: log.switch(False)):
        with pytest.raises(StoreError, match="is encrypted"):
            call(AuditLog(Database(file)))


@pytest.mark.skipif(os.name != "posix" or os.getuid() != 0, reason="only root can become another user")
@pytest.mark.parametrize("key", [None, KEY])
def test_a_store_that_may_only_be_read(key):
    with TemporaryDirectory() as folder:  # pytest's own folders are closed to other users
        speakers = SpeakerStore(Path(folder) / "speakers.sqlite", key)
        profile = speakers.add("spk1", MODEL, enrollments())
        speakers.audit.switch(True)
        Path(folder).chmod(0o755)
        speakers.path.chmod(0o444)
        os.seteuid(65534)
        try:
            assert speakers.get("spk1").identifier == profile.identifier
            with pytest.raises(StorageError, match=r"readonly database, so that its audit log, which is on"):
                speakers.audit.decided("verify", profile.identifier, MODEL, decide(0.5, 0.5))
            with pytest.raises(StorageError, match="readonly"):
                list(speakers.export())
        finally:
            os.seteuid(0)
    assert profile.name == "spk1"
