"""Where the tables of a store are kept: a folder beside it, one table in each folder of that."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from errno import ENOTSUP
from pathlib import Path
from secrets import token_hex
from threading import Lock

from filelock import FileLock, Timeout

from speakertrip.enrollment.store import changes
from speakertrip.enrollment.store.connection import Connection
from speakertrip.enrollment.store.tables.slots import FileSlots, Slots, remove_files
from speakertrip.enrollment.store.tables.state import STATE, Contents, State, read_state, write_state
from speakertrip.errors import StorageError
from speakertrip.manifests.lines import FilePath

POLL = 0.01  # seconds between looks at a lock that another has
SUFFIX = "-search"
PATIENCE = 600.0  # seconds to wait for a process that builds a table
LOCK, INDEXES = "lock", "index*"


class Memory:
    """A table that ends with its process."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._state: State | None = None
        self._slots: Slots | None = None

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let no other change the table."""
        with self._lock:
            yield

    def state(self) -> State | None:
        """Return how far the table has come; None where there is none."""
        return self._state

    def open(self, state: State) -> Slots:
        """Return the table, which there is."""
        assert self._slots is not None, "a table that has a state is there"
        return self._slots

    def begin(self, dim: int) -> tuple[Slots, str]:
        """Return an empty table in place of what there is, and what it is called."""
        self._state, self._slots = None, Slots(dim)
        return self._slots, token_hex(16)

    def save(self, state: State) -> None:
        """Keep how far the table has come."""
        self._state = state

    def drop(self) -> None:
        """Have the table begun anew the next time."""
        self._state = None


class Shelf:
    """A table in files beside a store, for any number of processes.

    Everything may raise OSError where the folder cannot be written.

    Args:
        store: its file.
        contents: what the rows are.
    """

    def __init__(self, store: FilePath, contents: Contents) -> None:
        self.root, self.contents = folder_of(store), contents
        self.folder = self.root / contents.key
        self._mapped: tuple[str, Slots] | None = None

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let no other process or thread change any table of the store.

        Raises:
            StorageError: another does not let go of it.
        """
        for folder in (self.root, self.folder):
            folder.mkdir(mode=0o700, exist_ok=True)
        with locked(self.root, PATIENCE) as ours:
            if not ours:
                raise StorageError(
                    f"Another process has held {self.root} for {PATIENCE / 60:.0f} minutes; end it."
                )
            yield

    def state(self) -> State | None:
        """Return how far the table has come; None where there is none, or it is damaged."""
        state = read_state(self.folder)
        return state if state and state.contents == self.contents else None

    def open(self, state: State) -> Slots:
        """Return the table, which there is."""
        if self._mapped is None or self._mapped[0] != state.table:
            self._mapped = state.table, FileSlots(self.folder, state.dim)
        self._mapped[1].look()
        return self._mapped[1]

    def begin(self, dim: int) -> tuple[Slots, str]:
        """Return an empty table in place of what there is, and what it is called."""
        wipe(self.folder)
        self._mapped = token_hex(16), FileSlots(self.folder, dim)
        return self._mapped[1], self._mapped[0]

    def save(self, state: State) -> None:
        """Keep how far the table has come; everything else is on the disk before."""
        self.open(state).flush()
        write_state(self.folder, state)

    def drop(self) -> None:
        """Have the table begun anew the next time."""
        wipe(self.folder)


def folder_of(store: FilePath) -> Path:
    """Return the folder of a store's tables, be it there or not."""
    target = Path(os.path.realpath(store))
    return target.with_name(target.name + SUFFIX)


def wipe(folder: Path) -> None:
    """Remove everything of a table; its state first, so that nobody takes what is left for one."""
    with suppress(FileNotFoundError):
        (folder / STATE).unlink()
    drop_indexes(folder)
    remove_files(folder)


def drop_indexes(folder: Path) -> None:
    """Remove all that approximates a table."""
    for path in folder.glob(INDEXES):
        path.unlink()


@contextmanager
def locked(root: Path, patience: float) -> Iterator[bool]:
    """Hold the lock of all tables of a store, and yield whether it could be had within some seconds.

    Raises:
        OSError: the folder cannot be written, or its file system has no locks.
    """
    lock = FileLock(root / LOCK, mode=0o600, thread_local=False)
    try:
        lock.acquire(timeout=patience, poll_interval=POLL)
    except Timeout:
        yield False
        return
    except NotImplementedError:
        raise OSError(ENOTSUP, "no locks", str(root)) from None
    try:
        yield True
    finally:
        lock.release()


def clear_stale(store: FilePath, db: Connection, patience: float) -> bool:
    """Leave nothing in any table of speakers that were removed, or have changed since, and no index at all.

    Args:
        store: its file.
        db: the same, open, with no transaction begun.
        patience: seconds to wait for a process that holds the tables.

    Returns:
        Whether that is done; False: another process held them.

    Raises:
        StorageError: the tables cannot be written.
    """
    root = folder_of(store)
    if not root.is_dir():
        return True
    try:
        with locked(root, patience) as ours:
            if ours:
                _clear(root, db)  # what is read of the store is read now that nobody fills a table
            return ours
    except OSError as error:
        raise StorageError(f"Cannot write {root}: {error.strerror}; delete that folder.") from None


def _clear(root: Path, db: Connection) -> None:
    speakers = changes.all_numbers(db)
    now = changes.position(db).changes
    encrypted = db.execute("SELECT 1 FROM encryption").fetchone()
    for folder in (path for path in root.iterdir() if path.is_dir()):
        state = read_state(folder)
        if state is None or encrypted:  # a process died as it made it, or its rows are in clear
            wipe(folder)
            continue
        drop_indexes(folder)
        slots = FileSlots(folder, state.dim)
        same = speakers[speakers[:, 1] <= state.changes, 0]
        slots.clear(slots.not_of(same), now)
        slots.clear(slots.unowned(), now)
        slots.flush()
