"""Tables of comma-separated values with a header line, as SpeechBrain and 3D-Speaker read them."""

import csv
import io
from collections.abc import Collection, Iterable, Iterator, Sequence

from speakertrip.errors import DataError
from speakertrip.manifests.lines import FilePath, read_blocks, write_lines


def read_table(path: FilePath, what: str, required: Collection[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield ``(line number, fields by column)`` of each row; a space after a comma is skipped.

    Raises:
        DataError: the file cannot be read or is no such table, or lacks a required column.
    """
    reader = csv.reader(_lines(path, what), skipinitialspace=True, strict=True)
    columns: list[str] = []
    line = 0
    try:
        for fields in reader:
            line, first = reader.line_num, line + 1
            if not fields:
                continue
            if not columns:
                columns = _check_columns(fields, required, f"{path}, line {first}")
                continue
            if len(fields) != len(columns):
                raise DataError(
                    f"{path}, line {first}: expected {len(columns)} fields ({','.join(columns)}), "
                    f"found {len(fields)}."
                )
            yield first, dict(zip(columns, fields, strict=True))
    except csv.Error as error:
        raise DataError(f"{path}, line {reader.line_num}: not comma-separated values ({error}).") from None


def write_table(path: FilePath, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a header and rows.

    Raises:
        DataError: a field holds a line break or a NUL, which readers of such tables get wrong.
        StorageError: the file cannot be written.
    """
    write_lines(path, [_format(columns), *(_format([str(field) for field in row]) for row in rows)])


def _lines(path: FilePath, what: str) -> Iterator[str]:
    for _, raw in read_blocks(path, what):
        yield from io.StringIO(raw.decode(), newline="\n")


def _check_columns(columns: list[str], required: Collection[str], where: str) -> list[str]:
    missing = [column for column in required if column not in columns]
    if missing:
        raise DataError(f"{where}: the header lacks the column {missing[0]!r}; found {','.join(columns)}.")
    if len(set(columns)) < len(columns):
        raise DataError(f"{where}: the header names a column twice: {','.join(columns)}.")
    return columns


def _format(fields: Sequence[str]) -> str:
    for field in fields:
        if any(character in field for character in "\r\n\0"):
            raise DataError(
                f"{field!r} holds a line break or a NUL, which a CSV file cannot carry; rename it."
            )
    # The readers skip a space after a comma, but not one within quotes.
    spaced = any(field.startswith(" ") for field in fields)
    line = io.StringIO()
    csv.writer(line, quoting=csv.QUOTE_ALL if spaced else csv.QUOTE_MINIMAL, lineterminator="").writerow(
        fields
    )
    return line.getvalue()
