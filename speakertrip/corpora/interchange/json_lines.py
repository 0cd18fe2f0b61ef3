"""One JSON object a line, plain or compressed (.gz)."""

import gzip
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from speakertrip.errors import DataError
from speakertrip.manifests.lines import LONGEST_LINE, FilePath, read_blocks, replacing, write_lines
from speakertrip.manifests.objects import parse_object


def read_objects(path: FilePath, what: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield ``(line number, object)`` of each line that is not blank.

    Args:
        path: the file; compressed where its name ends with ``.gz``.
        what: its role in words, for messages.

    Raises:
        DataError: the file cannot be read, or a line is not a JSON object.
    """
    lines = _read_gzip(path, what) if Path(path).suffix == ".gz" else _read_plain(path, what)
    for number, text in lines:
        if not text.strip():
            continue
        try:
            yield number, parse_object(text)
        except ValueError as error:
            raise DataError(f"{path}, line {number}: {error}.") from None


def write_objects(path: FilePath, objects: Iterable[Mapping[str, Any]]) -> None:
    """Write one object a line, compressed where the name ends with ``.gz``; a failure leaves the old file.

    Raises:
        StorageError: the file cannot be written.
    """
    lines = (json.dumps(each, ensure_ascii=False) for each in objects)
    if Path(path).suffix == ".gz":
        _write_gzip(Path(path), lines)
    else:
        write_lines(path, lines)


def _read_plain(path: FilePath, what: str) -> Iterator[tuple[int, str]]:
    for first, raw in read_blocks(path, what):
        yield from enumerate(raw.decode().split("\n")[:-1], first)


def _read_gzip(path: FilePath, what: str) -> Iterator[tuple[int, str]]:
    number = 0
    try:
        with gzip.open(path) as file:
            while raw := file.readline(LONGEST_LINE + 1):
                number += 1
                if len(raw) > LONGEST_LINE:
                    raise DataError(
                        f"{path}, line {number}: longer than {LONGEST_LINE >> 20} MiB; no {what}."
                    )
                yield number, raw.decode()
    except UnicodeDecodeError:
        raise DataError(f"{path}, line {number}: this {what} is not UTF-8 text.") from None
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error).rstrip(".")
        raise DataError(f"Cannot read the {what} {path}: {reason}.") from None


def _write_gzip(path: Path, lines: Iterable[str]) -> None:
    # Neither time nor name go into the file, so that the same rows make the same bytes.
    with (
        replacing(path) as temporary,
        temporary.open("wb") as raw,
        gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as file,
    ):
        file.writelines(f"{line}\n".encode() for line in lines)
