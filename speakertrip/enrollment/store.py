"""The store of enrolled speakers."""

import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from speakertrip.enrollment.database import Database
from speakertrip.enrollment.profile import Enrollment, Profile, Summary, check_name
from speakertrip.errors import StoreError, UsageError
from speakertrip.manifests.lines import FilePath

EnrollMode = Literal["new", "add", "replace"]
INSERT_ENROLLMENT = """
INSERT INTO enrollments (speaker, embedding, path, sha256, seconds, speech_seconds, snr_db, clipped)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
SELECT_ENROLLMENTS = """
SELECT embedding, path, sha256, seconds, speech_seconds, snr_db, clipped, created FROM enrollments
WHERE speaker = ? ORDER BY id
"""
SELECT_SUMMARIES = """
SELECT name, model, count(*), sum(seconds), speakers.created FROM speakers JOIN enrollments ON speaker = speakers.id
GROUP BY speakers.id ORDER BY name
"""


def default_store() -> Path:
    """Return where speakers are kept when nobody says otherwise: the user's data folder."""
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(data) / "speakertrip" / "speakers.sqlite"


class SpeakerStore:
    """Speaker profiles in a SQLite file that is made, readable by its owner alone, at the first enrollment.

    Each call is one transaction: it happens whole or not at all. Reading needs no right to write. Any number of
    threads and processes may use one file.

    Args:
        path: the file.
    """

    def __init__(self, path: FilePath) -> None:
        self.path = Path(path)
        self.database = Database(path)

    def add(
        self, name: str, model: str, enrollments: Sequence[Enrollment], mode: EnrollMode = "new"
    ) -> Profile:
        """Enroll a new speaker, or add utterances to one.

        Args:
            name: who.
            model: identity of the bundle that made the embeddings.
            enrollments: at least one.
            mode: "new" refuses a name that is enrolled; "add" adds to it; "replace" forgets its utterances first.

        Returns:
            The speaker's profile as it now is.

        Raises:
            UsageError: the name is not one, or there is no enrollment.
            StoreError: the path is no store, the name is enrolled and the mode is "new", or its earlier
                utterances are of another model and the mode is "add".
            StorageError: the store cannot be written.
        """
        name = check_name(name)
        if not enrollments:
            raise UsageError("Enrollment needs at least one utterance.")
        forgotten = False
        with self.database.writing() as db:
            known = db.execute("SELECT id, model FROM speakers WHERE name = ?", (name,)).fetchone()
            if known and mode == "new":
                raise StoreError(
                    f"{name} is enrolled already; add to it by --add, or forget it first by --replace (mode=)."
                )
            if known and mode == "replace":
                forgotten = _forget(db, known[0])
                known = None
            if known and known[1] != model:
                raise StoreError(f"{name} was enrolled with another model; enroll again by --replace.")
            if not known:
                inserted = db.execute(
                    "INSERT INTO speakers (name, model, identifier) VALUES (?, ?, lower(hex(randomblob(16))))",
                    (name, model),
                )
                known = (inserted.lastrowid, model)
            db.executemany(INSERT_ENROLLMENT, [(known[0], *_to_row(each)) for each in enrollments])
            profile = _read_profile(db, name)
        if forgotten:
            self.database.erase()
        return profile

    def get(self, name: str) -> Profile:
        """Return a speaker's profile.

        Raises:
            StoreError: the speaker is not enrolled, or the path is no store.
        """
        name = check_name(name)
        self._require_store()
        with self.database.reading() as db:
            self._id_of(db, name)
            return _read_profile(db, name)

    def names(self) -> list[str]:
        """Return the names of all enrolled speakers, sorted; none where there is no store yet."""
        if not self.database.exists():
            return []
        with self.database.reading() as db:
            return [name for (name,) in db.execute("SELECT name FROM speakers ORDER BY name")]

    def summaries(self) -> list[Summary]:
        """Return what there is of each enrolled speaker, by name; nothing where there is no store yet."""
        if not self.database.exists():
            return []
        with self.database.reading() as db:
            return [Summary(*row) for row in db.execute(SELECT_SUMMARIES)]

    def rename(self, name: str, new: str) -> None:
        """Give a speaker another name; the old one is erased as by ``remove``.

        Raises:
            UsageError: the new name is not one.
            StoreError: the speaker is not enrolled, or the new name is taken.
            StorageError: the store cannot be written.
        """
        name, new = check_name(name), check_name(new)
        self._require_store()
        with self.database.writing() as db:
            speaker = self._id_of(db, name)
            if db.execute("SELECT 1 FROM speakers WHERE name = ? AND id != ?", (new, speaker)).fetchone():
                raise StoreError(f"{new} is enrolled already; give {name} another name.")
            db.execute("UPDATE speakers SET name = ? WHERE id = ?", (new, speaker))
            _expect_erasure(db)
        self.database.erase()

    def remove(self, name: str) -> bool:
        """Remove a speaker, and everything that was kept of them.

        Returns:
            Whether nothing is left in any file of the store. False: it is removed, but while another process reads
            the store as it was before, its file or log still hold the bytes; the next opening erases them.

        Raises:
            StoreError: the speaker is not enrolled, or the path is no store.
            StorageError: the store cannot be written.
        """
        name = check_name(name)
        self._require_store()
        with self.database.writing() as db:
            _forget(db, self._id_of(db, name))
        return self.database.erase()

    def _require_store(self) -> None:
        if self.database.exists() or self.path.exists():
            return
        raise StoreError(f"There is no store {self.path}; enroll a speaker first, or name another file.")

    def _id_of(self, db: sqlite3.Connection, name: str) -> int:
        found = db.execute("SELECT id FROM speakers WHERE name = ?", (name,)).fetchone()
        if not found:
            raise StoreError(f"No speaker named {name} is enrolled in {self.path}.")
        speaker: int = found[0]
        return speaker


def _forget(db: sqlite3.Connection, speaker: int) -> bool:
    db.execute("DELETE FROM speakers WHERE id = ?", (speaker,))
    _expect_erasure(db)
    return True


def _expect_erasure(db: sqlite3.Connection) -> None:
    """Have the next opening erase what this transaction removes, should this process not come to it."""
    db.execute("UPDATE facts SET value = 1 WHERE name = 'erasure_pending'")


def _read_profile(db: sqlite3.Connection, name: str) -> Profile:
    speaker, *facts = db.execute(
        "SELECT id, model, identifier, created FROM speakers WHERE name = ?", (name,)
    ).fetchone()
    rows = db.execute(SELECT_ENROLLMENTS, (speaker,))
    try:
        enrollments = tuple(Enrollment(np.frombuffer(blob, dtype="<f4"), *rest) for blob, *rest in rows)
        profile = Profile(name, facts[0], enrollments, *facts[1:])
        sound = bool(np.isfinite(profile.embeddings).all())
    except (TypeError, ValueError):  # no enrollment, no bytes, or vectors of different sizes
        sound = False
    if not sound:
        raise StoreError(f"The enrollments of {name} are damaged; enroll again by --replace.")
    return profile


def _to_row(enrollment: Enrollment) -> tuple[object, ...]:
    # A file's name may hold bytes that are not UTF-8, which SQLite would refuse.
    path = enrollment.path.encode("utf-8", "backslashreplace").decode("utf-8")
    embedding = np.ascontiguousarray(enrollment.embedding, dtype="<f4").tobytes()
    quality = enrollment.speech_seconds, enrollment.snr_db, enrollment.clipped
    return embedding, path, enrollment.sha256, enrollment.seconds, *quality
