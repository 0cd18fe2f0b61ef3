"""The store of enrolled speakers: one SQLite file."""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import numpy as np

from speakertrip.enrollment.profile import Enrollment, Profile, check_name
from speakertrip.errors import StorageError, StoreError, UsageError
from speakertrip.manifests.lines import FilePath

EnrollMode = Literal["new", "add", "replace"]
SCHEMA_VERSION = 1
APPLICATION_ID = 0x5350_5452  # "SPTR", in the file's header
BUSY_SECONDS = 30.0
SCHEMA = f"""
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {SCHEMA_VERSION};
CREATE TABLE speakers (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    model TEXT NOT NULL,
    created TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE TABLE enrollments (
    id INTEGER PRIMARY KEY,
    speaker INTEGER NOT NULL REFERENCES speakers (id) ON DELETE CASCADE,
    embedding BLOB NOT NULL,
    path TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    seconds REAL NOT NULL,
    created TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE INDEX enrollments_of_speaker ON enrollments (speaker);
"""
WRITE_FAILURES = ("readonly", "disk I/O", "unable to open", "full", "locked")


def default_store() -> Path:
    """Return where speakers are kept when nobody says otherwise: the user's data folder."""
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(data) / "speakertrip" / "speakers.sqlite"


class SpeakerStore:
    """Speaker profiles in a SQLite file that is made, readable by its owner alone, at the first enrollment.

    Each call is one transaction: it happens whole or not at all. Reading needs no right to write.

    Args:
        path: the file.
    """

    def __init__(self, path: FilePath) -> None:
        self.path = Path(path)

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
        self._create()
        with self._transaction("BEGIN IMMEDIATE") as db:
            known = db.execute("SELECT id, model FROM speakers WHERE name = ?", (name,)).fetchone()
            if known and mode == "new":
                raise StoreError(
                    f"{name} is enrolled already; add to it by --add, or forget it first by --replace (mode=)."
                )
            if known and mode == "replace":
                db.execute("DELETE FROM speakers WHERE id = ?", (known[0],))
                known = None
            if known and known[1] != model:
                raise StoreError(f"{name} was enrolled with another model; enroll again by --replace.")
            if not known:
                inserted = db.execute("INSERT INTO speakers (name, model) VALUES (?, ?)", (name, model))
                known = (inserted.lastrowid, model)
            db.executemany(
                "INSERT INTO enrollments (speaker, embedding, path, sha256, seconds) VALUES (?, ?, ?, ?, ?)",
                [
                    (known[0], _to_blob(e.embedding), _to_text(e.path), e.sha256, e.seconds)
                    for e in enrollments
                ],
            )
            return _read_profile(db, name)

    def get(self, name: str) -> Profile:
        """Return a speaker's profile.

        Raises:
            StoreError: the speaker is not enrolled, or the path is no store.
        """
        name = check_name(name)
        if self._exists():
            with self._transaction("BEGIN") as db:
                if db.execute("SELECT 1 FROM speakers WHERE name = ?", (name,)).fetchone():
                    return _read_profile(db, name)
        if not self.path.exists():
            raise StoreError(f"There is no store {self.path}; enroll a speaker first, or name another file.")
        raise StoreError(f"No speaker named {name} is enrolled in {self.path}.")

    def names(self) -> list[str]:
        """Return the names of all enrolled speakers, sorted; none where there is no store yet."""
        if not self._exists():
            return []
        with self._transaction("BEGIN") as db:
            return [name for (name,) in db.execute("SELECT name FROM speakers ORDER BY name")]

    def _exists(self) -> bool:
        """Tell whether there is a store; an empty file is one without tables."""
        self._refuse_folder()
        return self.path.exists() and self.path.stat().st_size > 0

    def _refuse_folder(self) -> None:
        if self.path.is_dir():
            raise StoreError(f"{self.path} is a folder, not a store of speakers; name a file.")

    def _create(self) -> None:
        """Make the file, with its tables, if there is none; it gets its name when it is whole."""
        try:
            self._refuse_folder()
            if self.path.exists():
                return
            target = Path(os.path.realpath(self.path))  # a link stays one
            target.parent.mkdir(parents=True, exist_ok=True)
            with TemporaryDirectory(dir=target.parent, prefix=".store-") as folder:
                fresh = Path(folder) / target.name
                # Made here, not by SQLite, so that it is private from its first byte.
                os.close(os.open(fresh, os.O_CREAT | os.O_RDWR, 0o600))
                with self._transaction("BEGIN IMMEDIATE", fresh):
                    pass
                try:
                    os.link(fresh, target)  # unlike a rename, never over a store that was made meanwhile
                except FileExistsError:
                    pass
                except OSError:  # a file system without links
                    fresh.rename(target)
        except OSError as error:
            raise StorageError(f"Cannot write the store {self.path}: {error.strerror}.") from None

    @contextmanager
    def _transaction(self, begin: str, fresh: Path | None = None) -> Iterator[sqlite3.Connection]:
        """Open the file, or what is to become it, for one transaction; unless all goes well, closing rolls it back."""
        path = (fresh or self.path).absolute()  # SQLite has a meaning of its own for ":memory:"
        try:
            with closing(sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)) as db:
                db.execute("PRAGMA foreign_keys = ON")
                db.execute(begin)
                _migrate(db, self.path)  # within the transaction: another process may be making the tables
                yield db
                db.execute("COMMIT")
        except sqlite3.Error as error:
            if any(word in str(error) for word in WRITE_FAILURES):
                raise StorageError(f"Cannot use the store {self.path}: {error}.") from None
            raise StoreError(f"{self.path} is not a usable store of speakers: {error}.") from None


def _migrate(db: sqlite3.Connection, path: Path) -> None:
    version = db.execute("PRAGMA user_version").fetchone()[0]
    application = db.execute("PRAGMA application_id").fetchone()[0]
    if version == 0 and application == 0 and not db.execute("SELECT 1 FROM sqlite_master").fetchone():
        for statement in filter(str.strip, SCHEMA.split(";")):
            db.execute(statement)
        return
    if application != APPLICATION_ID:
        raise StoreError(f"{path} is a database of another program, not a store of speakers.")
    if version > SCHEMA_VERSION:
        raise StoreError(f"{path} was written by a newer speakertrip (schema {version}); update to read it.")


def _read_profile(db: sqlite3.Connection, name: str) -> Profile:
    speaker, model = db.execute("SELECT id, model FROM speakers WHERE name = ?", (name,)).fetchone()
    rows = db.execute(
        "SELECT embedding, path, sha256, seconds FROM enrollments WHERE speaker = ? ORDER BY id", (speaker,)
    )
    try:
        enrollments = tuple(Enrollment(np.frombuffer(blob, dtype="<f4"), *rest) for blob, *rest in rows)
        profile = Profile(name, model, enrollments)
        sound = bool(np.isfinite(profile.embeddings).all())
    except (TypeError, ValueError):  # no enrollment, no bytes, or vectors of different sizes
        sound = False
    if not sound:
        raise StoreError(f"The enrollments of {name} are damaged; enroll again by --replace.")
    return profile


def _to_text(path: str) -> str:
    """Escape the bytes of a file's name that are not UTF-8, which SQLite would refuse."""
    return path.encode("utf-8", "backslashreplace").decode("utf-8")


def _to_blob(embedding: np.ndarray) -> bytes:
    return np.ascontiguousarray(embedding, dtype="<f4").tobytes()
