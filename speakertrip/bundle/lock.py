"""One process at a time that writes a folder: a lock beside it, which ends with its process and leaves no file."""

import errno
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from speakertrip.errors import StorageError

try:
    import fcntl  # not filelock: whether that removes its file depends on its version, and two must not do so
except ImportError:  # Windows, where a folder with an open file is not renamed anyway
    fcntl = None  # type: ignore[assignment]

PATIENCE = 60.0  # seconds: longer than a large bundle takes to be written to a slow disk
POLL = 0.02  # seconds
LOCKLESS = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP)  # of file systems that have no locks
TAKEN = (errno.EAGAIN, errno.EWOULDBLOCK, errno.EACCES, errno.ESTALE)  # the last: on NFS, a file that is gone


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold the right to write a folder, whose parent is made; where there are no locks, trust.

    The lock is a file beside the folder, ``.NAME.lock``, which is removed at the end. One that a killed process left
    is taken over.

    Args:
        folder: resolved, there or not.

    Raises:
        StorageError: another process has the lock and does not end.
        OSError: it cannot be written.
    """
    path = folder.with_name(f".{folder.name}.lock")
    if not path.parent.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
    end = time.monotonic() + PATIENCE
    while (file := _take(path)) is None:
        if time.monotonic() > end:
            raise StorageError(
                f"Another process is writing {folder}; wait for its end, or name another folder."
            )
        time.sleep(POLL)
    try:
        yield
    finally:
        with suppress(OSError):
            path.unlink()  # while it is ours: who opened it meanwhile sees then that it is gone
        _let_go(file)


def is_at(file: int, path: Path) -> bool:
    """Tell whether an open file is the one that a path now leads to."""
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except OSError:
        return False


def _take(path: Path) -> int | None:
    """Open and lock a file; None: another process has it, or had it and removed it."""
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        if _lock(file) and is_at(file, path):
            return file
    except BaseException:
        _let_go(file)
        raise
    _let_go(file)
    return None


def _lock(file: int) -> bool:
    if fcntl is not None:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in {*LOCKLESS, *TAKEN}:
                raise
            return error.errno in LOCKLESS
    return True


def _let_go(file: int) -> None:
    if fcntl is not None:
        with suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_UN)  # a process that was forked meanwhile has the same open file
    os.close(file)
