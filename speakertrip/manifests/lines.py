"""Reading and writing of line-based text files, with errors that name the file and the line."""

import re
import sys
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import IO, TypeAlias

import numpy as np
import numpy.typing as npt

from speakertrip.errors import DataError, StorageError

FilePath: TypeAlias = str | PathLike[str]

BLOCK = 1 << 20  # bytes; more is no faster
LONGEST_LINE = 1 << 26  # bytes; a device or a binary file would fill the memory

# Separators; bytes that were not UTF-8 (Python keeps them as surrogates); and what a reader strips or skips.
_UNLISTABLE = re.compile("[\t\r\n\ud800-\udfff]|^[\\s#\ufeff]|\\s$|^$")


@dataclass(frozen=True, slots=True, eq=False)
class ListLines:
    """Which line of a file each row of a list was read from, without a number per row.

    Attributes:
        path: the file.
        skipped: int64 array; the numbers of its lines that hold no row (blank, comment), ascending.

    >>> lines = ListLines("trials.txt", np.array([1, 3, 4]))
    >>> [lines.where(row) for row in range(3)]
    ['trials.txt, line 2', 'trials.txt, line 5', 'trials.txt, line 6']
    """

    path: str
    skipped: npt.NDArray[np.int64]

    def number(self, row: int) -> int:
        """Return the line number, from 1."""
        rows_before = self.skipped - np.arange(1, len(self.skipped) + 1)
        return row + 1 + int(np.searchsorted(rows_before, row, side="right"))

    def where(self, row: int) -> str:
        """Return "FILE, line N"."""
        return f"{self.path}, line {self.number(row)}"


def read_lines(path: FilePath, what: str) -> Iterator[tuple[int, str]]:
    """Yield ``(line number, text)`` of each line that is neither blank nor a ``#`` comment.

    Args:
        path: the file, UTF-8 with or without a byte order mark; "-" is standard input.
        what: its role in words, for messages: "manifest", "trial list".

    Raises:
        DataError: the file is missing, unreadable, or not UTF-8 text.
    """
    for number, raw in read_blocks(path, what):
        for line, text in enumerate(raw.decode().split("\n")[:-1], number):
            if is_row(text):
                yield line, text


def read_blocks(path: FilePath, what: str) -> Iterator[tuple[int, bytes]]:
    """Yield ``(number of its first line, text)`` of about a megabyte of whole lines at a time.

    The text is UTF-8 that has been checked, without a byte order mark; each line ends with a line feed, the last one
    of the file too.

    Raises:
        DataError: as ``read_lines``.
    """
    number = 1
    try:
        with _open(path) as file:
            while raw := file.read(BLOCK):
                raw += file.readline(LONGEST_LINE)
                if len(raw) > LONGEST_LINE and not raw.endswith(b"\n"):
                    line = number + raw.count(b"\n")
                    raise DataError(
                        f"{path}, line {line} has over {LONGEST_LINE >> 20} MiB; this is no {what}."
                    )
                raw = _check_block(raw, path, what, number)
                yield number, raw
                number += raw.count(b"\n")
    except OSError as error:
        raise DataError(f"Cannot read the {what} {path}: {error.strerror}.") from None


def _open(path: FilePath) -> AbstractContextManager[IO[bytes]]:
    return nullcontext(sys.stdin.buffer) if str(path) == "-" else Path(path).open("rb")


def _check_block(raw: bytes, path: FilePath, what: str, number: int) -> bytes:
    if number == 1:
        raw = raw.removeprefix(BOM_UTF8)
    if b"\r" in raw:
        raw = raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if not raw.endswith(b"\n"):
        raw += b"\n"
    if not raw.isascii():
        try:
            raw.decode()
        except UnicodeDecodeError as error:
            line = number + raw.count(b"\n", 0, error.start)
            raise DataError(f"{path}, line {line}: this {what} is not UTF-8 text.") from None
    return raw


def is_row(text: str) -> bool:
    """Tell whether a line is neither blank nor a ``#`` comment."""
    return bool(text.strip()) and not text.lstrip().startswith("#")


def split_fields(text: str) -> list[str]:
    """Split a line into fields: at tabs where it has any (so ids may hold spaces), else at white space."""
    return [field.strip() for field in text.split("\t")] if "\t" in text else text.split()


def is_listable(id_: str) -> bool:
    """Tell whether an id can stand in a list and be read back as it was.

    >>> is_listable("speaker 1/a.wav"), is_listable("#1/a.wav"), is_listable("1/a.wav ")
    (True, False, False)
    """
    return _UNLISTABLE.search(id_) is None


def write_lines(path: FilePath, lines: Iterable[str]) -> None:
    """Write lines as UTF-8, as ``replacing`` writes.

    Raises:
        StorageError: the file cannot be written.
    """
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(f"{line}\n" for line in lines)


@contextmanager
def replacing(path: FilePath) -> Iterator[Path]:
    """Yield a temporary file beside ``path`` that takes its place at the end, so that a failure leaves the old file.

    Folders are made. Of a pipe or a device, which is written into, ``path`` itself is yielded.

    Raises:
        StorageError: the file cannot be written, or a text in it is not UTF-8.
    """
    target = temporary = Path(path)
    try:
        if target.is_file() or not target.exists():
            target = target.resolve()  # a link stays one
            temporary = target.with_name(f".{target.name}.part")
            target.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        if temporary != target:
            temporary.replace(target)
    except FileExistsError:  # of mkdir
        raise StorageError(f"Cannot write {path}: {target.parent} is a file, not a folder.") from None
    except OSError as error:
        raise StorageError(f"Cannot write {path}: {error.strerror}.") from None
    except UnicodeEncodeError:
        raise StorageError(
            f"Cannot write {path}: a name to be written is not UTF-8 text; rename it."
        ) from None
    finally:
        if temporary != target:
            with suppress(OSError):  # it is no longer there, or its folder never was
                temporary.unlink()
