"""What SQLite says of a store's file, as errors of this package."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from speakertrip.errors import StorageError, StoreError

WRITE_FAILURES = ("readonly", "disk I/O", "unable to open", "full", "locked")
DAMAGED = "the file is damaged; restore a copy of it"

NOTHING = 1 << 20  # bytes on the disk


@contextmanager
def told_of(path: Path) -> Iterator[None]:
    """Raise what SQLite raises as a sentence about a store.

    Raises:
        StoreError: it is no store.
        StorageError: it cannot be read or written.
    """
    try:
        yield
    except UnicodeDecodeError:  # SQLite quotes what is damaged in its own error
        raise StoreError(f"{path} is not a usable store of speakers: {DAMAGED}.") from None
    except sqlite3.Error as error:
        if any(word in str(error) for word in WRITE_FAILURES):
            raise StorageError(f"Cannot use the store {path}: {error}{advice(path)}.") from None
        why = f"{error}: {DAMAGED}" if "malformed" in str(error) else str(error)
        raise StoreError(f"{path} is not a usable store of speakers: {why}.") from None


def advice(path: Path) -> str:
    """Return the end of a sentence about a file that cannot be written, where the disk has no room for it."""
    try:
        free = shutil.disk_usage(path.absolute().parent).free
    except OSError:  # no such folder
        return ""
    return "; the disk may be full: make room" if free < NOTHING else ""
