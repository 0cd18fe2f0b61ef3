"""Lists of three fields a line, read in blocks of a megabyte: trial lists and score files."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from speakertrip.errors import DataError
from speakertrip.manifests.id_table import IntArray
from speakertrip.manifests.lines import FilePath, ListLines, is_row, read_blocks, split_fields

TAB, LINE_END, SPACE = b"\t\n "
_CHUNK = 100_000  # rows that are Python objects at a time


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Some rows of a list, as places in its text.

    Attributes:
        raw: UTF-8 text.
        begins: ``(rows, 3)``, where each field begins in ``raw``.
        ends: the same, one past its end.
        row: the number of the first row in the whole list.
    """

    raw: bytes
    begins: IntArray
    ends: IntArray
    row: int

    def text(self, row: int, column: int) -> str:
        """Return one field."""
        return self.raw[self.begins[row, column] : self.ends[row, column]].decode()

    def texts(self, column: int) -> list[str]:
        """Return a column."""
        return [self.text(row, column) for row in range(len(self.begins))]


class ListReader:
    """A list of three fields a line; blank lines and comments are skipped.

    Args:
        path: the file; "-" is standard input.
        what: its role in words, for messages: "trial list".
        fields: what a line holds, for messages: "a trial has 3 fields".
    """

    def __init__(self, path: FilePath, what: str, fields: str) -> None:
        self.path, self.what, self.fields = path, what, fields
        self._rows = 0
        self._skipped: list[IntArray] = []

    @property
    def lines(self) -> ListLines:
        """Where each row stands that has been read so far."""
        return ListLines(str(self.path), np.concatenate([np.zeros(0, np.int64), *self._skipped]))

    def blocks(self) -> Iterator[Block]:
        """Yield the rows.

        A block in which every line is three fields and nothing else, as published lists are, is taken apart as a
        whole; another one line by line.

        Raises:
            DataError: the file cannot be read, or a line has not three fields.
        """
        for number, raw in read_blocks(self.path, self.what):
            places = _plain_places(raw)
            if places is None:
                raw, places, skipped = self._careful_places(number, raw)
                self._skipped.append(skipped)
            begins, ends = places
            if len(ends):
                row, self._rows = self._rows, self._rows + len(ends) // 3
                yield Block(raw, begins.reshape(-1, 3), ends.reshape(-1, 3), row)

    def _careful_places(self, number: int, raw: bytes) -> tuple[bytes, tuple[IntArray, IntArray], IntArray]:
        """Take a block apart line by line; return its fields, their places, and the lines that hold none."""
        found: list[str] = []
        skipped: list[int] = []
        for line, text in enumerate(raw.decode().split("\n")[:-1], number):
            if not is_row(text):
                skipped.append(line)
                continue
            fields = split_fields(text)
            if len(fields) != 3 or not all(fields):
                raise DataError(
                    f"{self.path}, line {line}: {self.fields}, this line has {len(fields)}: {text!r}."
                )
            found.extend(fields)
        joined = "".join(f"{field}\n" for field in found).encode()
        ends = np.flatnonzero(np.frombuffer(joined, np.uint8) == LINE_END)
        return joined, (_begins(ends), ends), np.array(skipped, dtype=np.int64)


def _plain_places(raw: bytes) -> tuple[IntArray, IntArray] | None:
    """Return where the fields of a block begin and end; None unless its lines are plainly three fields each.

    Plain: apart by one space each, or all by one tab each, with no comment and no other white space at the fields'
    ends; where this answers, it answers as ``split_fields`` does.
    """
    data = np.frombuffer(raw, np.uint8)
    ends = np.flatnonzero(data <= SPACE)
    marks = data[ends]
    if b"#" in raw or not _holds_only_these_spaces(raw, marks):
        return None
    separator = TAB if b"\t" in raw else SPACE
    if separator == TAB:
        if raw.startswith(b" ") or any(pair in raw for pair in (b" \t", b"\t ", b" \n", b"\n ")):
            return None  # to be stripped
        ends = ends[marks != SPACE]
        marks = data[ends]
    if len(ends) % 3 or not (marks.reshape(-1, 3) == (separator, separator, LINE_END)).all():
        return None
    begins = _begins(ends)
    return (begins, ends) if (begins < ends).all() else None


def _holds_only_these_spaces(raw: bytes, marks: npt.NDArray[np.uint8]) -> bool:
    """Tell whether the marks are spaces, tabs and line ends, and the text holds no other white space."""
    if not ((marks == SPACE) | (marks == TAB) | (marks == LINE_END)).all():
        return False
    if raw.isascii():
        return True
    text = raw.decode()
    return sum(map(len, text.split())) + len(marks) == len(text)


def _begins(ends: IntArray) -> IntArray:
    """Return where fields begin that follow each other, one byte between."""
    return np.concatenate(([0], ends[:-1] + 1)) if len(ends) else ends


def zip_columns(*columns: npt.NDArray[Any]) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of columns of one length as Python numbers, without a list of all."""
    for begin in range(0, len(columns[0]), _CHUNK):
        yield from zip(*(column[begin : begin + _CHUNK].tolist() for column in columns), strict=True)
