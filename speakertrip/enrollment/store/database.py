"""The file of a store: made whole, opened for one transaction at a time, and rid of what was removed from it."""

import os
import sqlite3
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from speakertrip.enrollment.encryption import marking
from speakertrip.enrollment.store.connection import Connection
from speakertrip.enrollment.store.failures import advice, told_of
from speakertrip.enrollment.store.schema import VERSION, migrate, version_of
from speakertrip.enrollment.store.tables.shelf import clear_stale
from speakertrip.errors import SpeakertripWarning, StorageError, StoreError
from speakertrip.manifests.lines import FilePath

BUSY_SECONDS = 30.0
ERASING_SECONDS = 2.0  # for readers to end, before an erasure is left to the next opening
PENDING = "SELECT value FROM facts WHERE name = 'erasure_pending'"  # 0: nothing waits to be erased


class Database:
    """A SQLite file with the tables of a store, in WAL mode: readers and one writer do not wait for each other.

    It is made, readable by its owner alone, by the first ``writing``. Reading needs no right to write.

    Args:
        path: of the file; beside it SQLite may keep ``-wal`` and ``-shm`` while it is open.
        key: of an encrypted store; 32 random bytes. A file that is made with one is encrypted.
    """

    def __init__(self, path: FilePath, key: bytes | None = None) -> None:
        self.path, self._key = Path(path), key
        # Whether erasures wait for the end of ``erasing_once``, and whether one does.
        self._waiting = self._owed = False
        self._seen = False  # that there is a store

    def exists(self) -> bool:
        """Tell whether there is a store; an empty file is one without tables.

        Raises:
            StoreError: there is a folder.
        """
        if self.path.is_dir():
            raise StoreError(f"{self.path} is a folder, not a store of speakers; name a file.")
        there = self.path.exists() and self.path.stat().st_size > 0
        self._seen = self._seen or there
        return there

    @property
    def encrypted(self) -> bool:
        """Whether it is opened by a key: a file that is not encrypted does not open by one."""
        return self._key is not None

    def version(self) -> int:
        """Return the version of the tables of the file, which exists.

        Raises:
            StoreError: it is no store.
            StorageError: it cannot be read.
        """
        with self._told(), closing(self._open_to_read()) as db:
            return version_of(db, self.path)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open the file, which exists, and show one state of it, whatever others write meanwhile.

        Raises:
            StoreError: it is no store, or the key does not fit.
            StorageError: it cannot be read.
        """
        with self._told(), closing(self._readable()) as db:
            db.execute("BEGIN")
            db.cipher = marking.cipher_of(db, self._key, self.path)  # as of the state that is shown
            yield db

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Open the file for one transaction, which happens whole or not at all; make it where there never was one.

        Raises:
            StoreError: it is no store, or the key does not fit.
            StorageError: it cannot be written, or was removed since this object saw it or made it.
        """
        self._make()
        with self._told(), closing(self._writable(self.path)) as db:
            yield db
            db.execute("COMMIT")
        self._require_seen()  # what is written to a file that was removed meanwhile is lost

    def erase(self, patience: float = ERASING_SECONDS) -> bool:
        """Leave nothing of what was removed in any file, and return whether that is done.

        Removed rows are overwritten (``secure_delete``), but SQLite moves rows between pages and leaves copies of them
        in free space; so the file is written anew, and the log is emptied. While another process reads a state of
        before, the log cannot be; the erasure is then pending, and the next opening completes it. So it is while
        another process holds the tables that searches keep beside the file.

        Args:
            patience: seconds to wait for others.

        Raises:
            StorageError: the file cannot be written; the erasure is pending.
        """
        if self._waiting:
            self._owed = True
            return False
        with self._told(), closing(self._connect(self.path, patience)) as db:
            try:
                pending = db.execute(PENDING).fetchone()
                db.execute("VACUUM")
                busy, _, _ = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
                busy = busy or not clear_stale(self.path, db, patience)
                if not busy:
                    # Unless another process removed something meanwhile, and may die before it erases that.
                    db.execute(
                        "UPDATE facts SET value = 0 WHERE name = 'erasure_pending' AND value = ?", pending
                    )
            except sqlite3.OperationalError as error:
                if "locked" not in str(error):
                    raise
                busy = True
        return not busy

    @contextmanager
    def erasing_once(self) -> Iterator[None]:
        """Erase at the end what many transactions remove: each time, the whole file would be written anew.

        Killed before, the next opening erases it.

        Warns:
            SpeakertripWarning: another process reads the store as it was before, so that the next opening erases it.
        """
        self._waiting = True
        try:
            yield
        finally:
            self._waiting = False
            if self._owed:
                self._owed = False
                if not self.erase():
                    text = f"While another process reads {self.path}, the erasure of what was replaced is pending."
                    warnings.warn(text, SpeakertripWarning, stacklevel=3)

    def _connect(self, path: Path, patience: float | None = None) -> Connection:
        seconds = BUSY_SECONDS if patience is None else patience
        # SQLite has a meaning of its own for ":memory:", and would make a file that was removed meanwhile.
        place = f"{path.absolute().as_uri()}?mode=rw"
        db = sqlite3.connect(place, timeout=seconds, isolation_level=None, factory=Connection, uri=True)
        db.execute("PRAGMA foreign_keys = ON")
        db.execute("PRAGMA secure_delete = ON")
        return db

    def _writable(self, path: Path) -> Connection:
        """Return a connection with a transaction begun, and the tables of the present version."""
        db = self._connect(path)
        try:
            version_of(db, self.path)  # before anything is written to what is no store
            # In use by a version that knows no WAL: the next time, then.
            with suppress(sqlite3.OperationalError):
                db.execute("PRAGMA journal_mode = WAL")
            db.execute("BEGIN IMMEDIATE")
            self._prepare(db)  # within the transaction: another process may be doing so
            db.cipher = marking.cipher_of(db, self._key, self.path)
        except BaseException:
            db.close()
            raise
        return db

    def _readable(self) -> Connection:
        """Return a connection to a file of the present version, be it a copy in memory."""
        db = self._open_to_read()
        if version_of(db, self.path) == VERSION:
            pending = db.execute(PENDING).fetchone()
            if pending and pending[0] and not self._waiting:
                with suppress(StorageError):  # it may be read only
                    self.erase(patience=0.0)
            return db
        # It is of an older version, and perhaps not to be written.
        copy = sqlite3.connect(":memory:", isolation_level=None, factory=Connection)
        with closing(db):
            db.backup(copy)
        self._prepare(copy)
        return copy

    def _prepare(self, db: Connection) -> None:
        """Bring the tables to the present version; those of a new file are encrypted if there is a key."""
        new = version_of(db, self.path) == 0
        migrate(db, self.path)
        if new:  # it holds nothing that was removed
            db.execute("UPDATE facts SET value = 0 WHERE name = 'erasure_pending'")
            if self._key is not None:
                marking.begin(db, self._key)

    def _open_to_read(self) -> Connection:
        db = self._connect(self.path)
        try:
            db.execute("SELECT 1 FROM sqlite_master").fetchone()
        except sqlite3.OperationalError as error:
            db.close()
            # WAL wants to write beside the file. Where that is not allowed and no log is left, nobody writes.
            if self._has_log() or not any(word in str(error) for word in ("readonly", "unable to open")):
                raise
            db = sqlite3.connect(
                f"{self.path.absolute().as_uri()}?immutable=1",
                uri=True,
                isolation_level=None,
                factory=Connection,
            )
            db.execute("SELECT 1 FROM sqlite_master").fetchone()
        return db

    def _has_log(self) -> bool:
        log = self.path.with_name(f"{self.path.name}-wal")
        return log.exists() and log.stat().st_size > 0

    def _make(self) -> None:
        """Make the file, with its tables, if there is none; it gets its name when it is whole."""
        try:
            if self.exists() or (self.path.exists() and not self._seen):
                return
            self._require_seen()
            target = Path(os.path.realpath(self.path))  # a link stays one
            target.parent.mkdir(parents=True, exist_ok=True)
            with TemporaryDirectory(dir=target.parent, prefix=".store-") as folder:
                fresh = Path(folder) / target.name
                # Made here, not by SQLite, so that it is private from its first byte.
                os.close(os.open(fresh, os.O_CREAT | os.O_RDWR, 0o600))
                with self._told(), closing(self._writable(fresh)) as db:
                    db.execute("COMMIT")
                try:
                    os.link(fresh, target)  # unlike a rename, never over a store that was made meanwhile
                except FileExistsError:
                    pass
                except OSError:  # a file system without links
                    fresh.rename(target)
            self._seen = True
        except OSError as error:
            why = f"{error.strerror}{advice(self.path)}"
            raise StorageError(f"Cannot write the store {self.path}: {why}.") from None

    def _require_seen(self) -> None:
        """Raise StorageError if there was a store, and is none any more."""
        if self._seen and not self.exists():
            raise StorageError(
                f"The store {self.path} was removed meanwhile; restore a copy, or start again to make a new one."
            )

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            with told_of(self.path):
                yield
        except StorageError:
            self._require_seen()  # or why it cannot be used
            raise
