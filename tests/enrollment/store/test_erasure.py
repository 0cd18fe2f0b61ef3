"""What was removed is in no file of the store."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing, suppress

import numpy as np
import pytest

from speakertrip.enrollment import Enrollment, SpeakerStore
from speakertrip.enrollment.store import database, rows
from speakertrip.enrollment.store.schema import APPLICATION_ID, MIGRATIONS
from speakertrip.errors import SpeakertripWarning, StoreError, UsageError

MODEL = "0" * 64
PIECE = 16  # bytes of an embedding that occur nowhere else by chance


def enrollments(rng, count):
    return [
        Enrollment(rng.standard_normal(192).astype(np.float32), f"/audio/{rng.integers(10**9)}.wav", "", 1.0)
        for _ in range(count)
    ]


def left(file, name, profile):
    """Return what of a profile stands in the files of a store."""
    content = b"".join(path.read_bytes() for path in file.parent.iterdir())
    pieces = [
        piece
        for each in profile
        for data in [each.embedding.tobytes()]
        for piece in (data[first : first + PIECE] for first in range(0, len(data), PIECE))
    ]
    return [name for name in [name, *(each.path for each in profile)] if name.encode() in content] + [
        piece for piece in pieces if piece in content
    ]


@pytest.mark.parametrize("seed", range(3))
def test_nothing_is_left_of_many(tmp_path, seed):
    rng = np.random.default_rng(seed)
    file = tmp_path / "speakers.sqlite"
    speakers, alive, gone = SpeakerStore(file), {}, {}
    for number in range(25):
        name = f"spk{number}-" + "x" * int(rng.integers(60))
        alive[name] = enrollments(rng, int(rng.integers(1, 12)))
        speakers.add(name, MODEL, alive[name])
        if rng.random() < 0.5:
            name = str(rng.choice(list(alive)))
            gone[name] = alive.pop(name)
            assert speakers.remove(name)
    assert speakers.names() == sorted(alive)
    for name, profile in gone.items():
        assert left(file, name, profile) == []
    name, profile = alive.popitem()
    assert len(left(file, name, profile)) == 1 + len(profile) * (1 + 192 * 4 // PIECE)  # the test can fail


def test_replaced_utterances_and_old_names_are_erased(tmp_path):
    rng = np.random.default_rng(0)
    speakers, first = SpeakerStore(tmp_path / "speakers.sqlite"), enrollments(rng, 40)
    speakers.add("spk-before", MODEL, first)
    speakers.add("spk-before", MODEL, enrollments(rng, 1), "replace")
    assert left(speakers.path, "no name", first) == []
    speakers.rename("spk-before", "spk-after")
    assert left(speakers.path, "spk-before", []) == []
    assert speakers.names() == ["spk-after"]


def test_a_reader_delays_the_erasure_and_the_next_opening_completes_it(tmp_path, monkeypatch):
    monkeypatch.setattr(database, "ERASING_SECONDS", 0.05)
    rng = np.random.default_rng(0)
    speakers, profile = SpeakerStore(tmp_path / "speakers.sqlite"), enrollments(rng, 5)
    speakers.add("spk-gone", MODEL, profile)
    speakers.add("spk-stays", MODEL, enrollments(rng, 5))
    with speakers.database.reading() as reader:
        assert reader.execute("SELECT count(*) FROM speakers").fetchone() == (2,)
        assert speakers.remove("spk-gone") is False
        assert speakers.names() == ["spk-stays"]  # removed for everybody who looks now
        assert left(speakers.path, "spk-gone", profile)
    assert speakers.names() == ["spk-stays"]
    assert left(speakers.path, "spk-gone", profile) == []


def pending(file):
    with closing(sqlite3.connect(file)) as db:
        return db.execute("SELECT value FROM facts WHERE name = 'erasure_pending'").fetchone()[0]


KILLED = """
import os, signal, sys
from speakertrip.enrollment import SpeakerStore
from speakertrip.enrollment.store.database import Database
Database.erase = lambda self: os.kill(os.getpid(), signal.SIGKILL)
SpeakerStore(sys.argv[1]).remove("spk-gone")
"""


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")
def test_a_removal_that_was_killed_before_the_erasure(tmp_path):
    rng = np.random.default_rng(0)
    speakers, profile = SpeakerStore(tmp_path / "speakers.sqlite"), enrollments(rng, 5)
    speakers.add("spk-gone", MODEL, profile)
    done = subprocess.run([sys.executable, "-c", KILLED, speakers.path], check=False)
    assert done.returncode == -9
    assert pending(speakers.path)
    assert speakers.names() == []
    assert not pending(speakers.path)
    assert left(speakers.path, "spk-gone", profile) == []


def test_a_removal_while_another_process_erases_stays_pending(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    speakers, profile = SpeakerStore(tmp_path / "speakers.sqlite"), enrollments(rng, 5)
    speakers.add("spk-first", MODEL, enrollments(rng, 1))
    speakers.add("spk-gone", MODEL, profile)
    clear_stale = database.clear_stale

    def meanwhile(*args):  # after the file was written anew, and before the erasure counts as done
        with speakers.database.writing() as db:
            rows.forget(db, rows.find(db, "spk-gone")[0])
        return clear_stale(*args)

    monkeypatch.setattr(database, "clear_stale", meanwhile)
    assert speakers.remove("spk-first")
    monkeypatch.undo()
    assert pending(speakers.path)  # of the other, which was killed before its own erasure
    assert speakers.names() == []
    assert not pending(speakers.path)
    assert left(speakers.path, "spk-gone", profile) == []


def test_what_an_older_version_had_removed_is_erased(tmp_path):
    rng = np.random.default_rng(0)
    file, profile = tmp_path / "speakers.sqlite", enrollments(rng, 40)
    db = sqlite3.connect(file)
    db.executescript(MIGRATIONS[1] + f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = 1;")
    row = "INSERT INTO enrollments (speaker, embedding, path, sha256, seconds) VALUES (?, ?, ?, '', 1.5)"
    for speaker, name, several in ((1, "spk-gone", profile), (2, "spk-stays", enrollments(rng, 3))):
        db.execute("INSERT INTO speakers (id, name, model) VALUES (?, ?, ?)", (speaker, name, MODEL))
        db.executemany(row, [(speaker, each.embedding.tobytes(), each.path) for each in several])
    db.execute("PRAGMA secure_delete = OFF")
    db.execute("DELETE FROM enrollments WHERE speaker = 1")
    db.execute("DELETE FROM speakers WHERE id = 1")
    db.commit()
    db.close()
    assert left(file, "spk-gone", profile)
    speakers = SpeakerStore(file)
    old = speakers.get("spk-stays")  # reading changes no file of another version
    assert (len(old.enrollments), old.enrollments[0].seconds, old.enrollments[0].snr_db) == (3, 1.5, None)
    assert left(file, "spk-gone", profile)
    speakers.add("spk-new", MODEL, enrollments(rng, 1))
    assert speakers.names() == ["spk-new", "spk-stays"]
    assert len(speakers.get("spk-stays").identifier) == 32
    assert left(file, "spk-gone", profile) == []


def test_who_is_not_there(tmp_path):
    speakers = SpeakerStore(tmp_path / "speakers.sqlite")
    for call in (lambda: speakers.remove("spk1"), lambda: speakers.rename("spk1", "spk2")):
        with pytest.raises(StoreError, match="There is no store"):
            call()
    rng = np.random.default_rng(0)
    before = speakers.add("spk1", MODEL, enrollments(rng, 1))
    speakers.add("spk2", MODEL, enrollments(rng, 1))
    for call in (lambda: speakers.remove("spk3"), lambda: speakers.rename("spk3", "spk4")):
        with pytest.raises(StoreError, match="No speaker named spk3"):
            call()
    with pytest.raises(StoreError, match="spk2 is enrolled already; give spk1 another name"):
        speakers.rename("spk1", "spk2")
    with pytest.raises(UsageError, match="1 to 200"):
        speakers.rename("spk1", "")
    speakers.rename("spk1", "spk1")
    assert speakers.get("spk1").identifier == before.identifier


def test_many_replacements_are_erased_once(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    speakers, firsts = SpeakerStore(tmp_path / "speakers.sqlite"), [enrollments(rng, 3) for _ in range(5)]
    for number, first in enumerate(firsts):
        speakers.add(f"spk{number}", MODEL, first)
    erasures, connect = [], database.Database._connect

    def count(self, path, patience=None):
        erasures.extend([patience] if patience is not None else [])
        return connect(self, path, patience)

    with monkeypatch.context() as patch:
        patch.setattr(database.Database, "_connect", count)
        with speakers.database.erasing_once():
            for number in range(5):
                speakers.add(f"spk{number}", MODEL, enrollments(rng, 1), "replace")
                assert len(speakers.get(f"spk{number}").enrollments) == 1
            assert erasures == []
        assert len(erasures) == 1
    assert [left(speakers.path, "no name", first) for first in firsts] == [[]] * 5


def test_replacements_before_a_failure_are_erased(tmp_path):
    speakers = SpeakerStore(tmp_path / "speakers.sqlite")
    first = enrollments(np.random.default_rng(0), 3)
    speakers.add("spk0", MODEL, first)
    with suppress(KeyError), speakers.database.erasing_once():
        speakers.remove("spk0")
        raise KeyError
    assert left(speakers.path, "spk0", first) == []


def test_an_erasure_that_must_wait_is_told(tmp_path):
    speakers = SpeakerStore(tmp_path / "speakers.sqlite")
    speakers.add("spk0", MODEL, enrollments(np.random.default_rng(0), 1))
    reader = sqlite3.connect(speakers.path, isolation_level=None)
    with closing(reader):
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM speakers").fetchall()
        with pytest.warns(SpeakertripWarning, match="is pending"), speakers.database.erasing_once():
            speakers.add("spk0", MODEL, enrollments(np.random.default_rng(1), 1), "replace")
