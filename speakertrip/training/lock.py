"""One process at a time in a run folder: a lock that is held while it trains, and ends with its process."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from speakertrip.errors import SpeakertripWarning, StorageError, UsageError

LOCK = "run.lock"  # stays: were it removed, one process could lock it and another the one made after it
PATIENCE = 5.0  # seconds: a process that is just ending, or one that only looks, lets go meanwhile


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold the lock of a run folder, which is made; a folder in which nothing is begun then is removed again.

    Where the file system has no locks a warning says so.

    Raises:
        UsageError: another process trains in it.
        StorageError: it cannot be written.
    """
    made = not folder.exists()
    lock = FileLock(folder / LOCK, thread_local=False)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=PATIENCE)
    except Timeout:
        raise UsageError(
            f"Another process trains in {folder}; wait for its end, or name another folder."
        ) from None
    except NotImplementedError:
        text = f"The file system of {folder} has no locks: see to it that no other process trains there."
        warnings.warn(text, SpeakertripWarning, stacklevel=3)
    except OSError as error:
        raise StorageError(f"Cannot write {folder}: {error.strerror}.") from None
    try:
        yield
    finally:
        with suppress(OSError):  # what a start that was refused leaves is no run
            if [path.name for path in folder.iterdir()] == [LOCK]:
                (folder / LOCK).unlink()
                if made:
                    folder.rmdir()
        lock.release()


def is_held(folder: Path) -> bool | None:
    """Tell whether a process trains in a run folder; None where that cannot be known, as of a run without a lock."""
    if not (folder / LOCK).is_file():
        return None
    lock = FileLock(folder / LOCK, thread_local=False)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    except (NotImplementedError, OSError):  # a folder of somebody else
        return None
    lock.release()
    return False
