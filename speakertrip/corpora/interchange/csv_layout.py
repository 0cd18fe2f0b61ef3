"""Utterances in a table of six columns and any others: what SpeechBrain's and 3D-Speaker's have in common."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from speakertrip.corpora.folder import Progress
from speakertrip.corpora.interchange.csv_table import read_table, write_table
from speakertrip.corpora.interchange.positions import (
    duration_between,
    keep_time,
    locate_all,
    read_headers,
    sample_time,
    stated_duration,
)
from speakertrip.corpora.interchange.rows import (
    build_utterances,
    carried_fields,
    free_fields,
    name_rest,
    number_of,
)
from speakertrip.errors import DataError
from speakertrip.manifests import Utterance
from speakertrip.manifests.lines import FilePath

Fields = Mapping[str, str]

_VARIABLE = re.compile(r"\$([\w.]+)")
ROOTS = (
    "data_root",
    "data_folder",
)  # what SpeechBrain's recipes and its manual call the folder of the corpus


@dataclass(frozen=True, slots=True)
class Layout:
    """A table.

    Attributes:
        title: the tool's name, for messages.
        columns: of the id, the duration, the path, the start, the stop and the speaker, in this order.
        in_samples: whether start and stop are samples; else they are seconds.
        variables: whether ``$name`` in a field stands for something else.
    """

    title: str
    columns: tuple[str, str, str, str, str, str]
    in_samples: bool
    variables: bool


def read_layout(layout: Layout, source: FilePath, data_root: FilePath | None) -> list[Utterance]:
    """Read a table; columns beyond the six keep their names.

    Args:
        layout: of the table.
        source: the file.
        data_root: where relative paths begin, and what ``$data_root`` stands for; None: the file's folder, and
            nothing.

    Raises:
        DataError: the table cannot be read, or a row is malformed.
        AudioError: the header of an audio file is needed for its sample rate and cannot be read.
    """
    id_, duration, path, start, stop, speaker = layout.columns
    folder = Path(data_root or Path(source).parent).absolute()
    rows = list(read_table(source, f"{layout.title} table", (id_, path, speaker)))

    def audio(row: Fields) -> str:
        if not (layout.variables and data_root):
            return row[path]
        root = folder.as_posix()
        return _VARIABLE.sub(lambda match: root if match[1] in ROOTS else match[0], row[path])

    def needs_rate(row: Fields) -> bool:
        return layout.in_samples and bool(row.get(start) or row.get(stop)) and not row.get("sample_rate")

    paths = [folder / audio(row) for _, row in rows if needs_rate(row) and not _variable(layout, audio(row))]
    headers = read_headers(paths)

    def parse(row: Fields) -> list[dict[str, Any]]:
        if name := _variable(layout, audio(row)):
            raise ValueError(
                f"the path {row[path]!r} begins at a folder that only --data-root can tell"
                if name in ROOTS
                else f"the path {row[path]!r} holds the variable ${name}; only ${' and $'.join(ROOTS)} are known"
            )
        made = free_fields({key: value for key, value in row.items() if value}, layout.columns)
        made |= {"id": row[id_], "path": audio(row), "speaker": row[speaker]}
        stated = _number(row, duration)
        rate = made["sample_rate"] = _whole(row, "sample_rate")
        if rate == 0:
            raise ValueError("'sample_rate' must be a positive number, not 0")
        if layout.in_samples:
            rate = headers[folder / audio(row)].sample_rate if needs_rate(row) else rate
            return [made | _times(_whole(row, start) or 0, _whole(row, stop), rate, stated)]
        first, end = _number(row, start) or 0.0, _number(row, stop)
        return [
            made
            | {
                "start": first,
                "duration": stated if end is None else duration_between(first, end, rate, stated),
            }
        ]

    return build_utterances(rows, parse, source, folder)


def write_layout(
    layout: Layout, utterances: Sequence[Utterance], target: FilePath, progress: Progress | None
) -> list[str]:
    """Write a table of the six columns, the sample rate, and what else the manifest holds as text.

    Returns:
        What is left out, in sentences.

    Raises:
        DataError: an utterance holds no samples, or a text cannot stand in such a table.
        AudioError: the header of an audio file is needed and cannot be read.
        StorageError: the table cannot be written.
    """
    fields = [
        {key: value for key, value in carried_fields(each, layout.columns).items() if _is_text(value)}
        for each in utterances
    ]
    others = list(dict.fromkeys(key for each in fields for key in each))
    rows = []
    for utterance, stretch, each in zip(utterances, locate_all(utterances, progress), fields, strict=True):
        start, duration = keep_time(utterance.start, stretch.rate), stated_duration(utterance, stretch)
        bounds = (stretch.first, stretch.stop) if layout.in_samples else (start, stretch.end)
        known = [utterance.id, duration, utterance.path.absolute(), *bounds, utterance.speaker, stretch.rate]
        rows.append([str(field) for field in known] + [each.get(key, "") for key in others])
    columns = [*layout.columns, "sample_rate", *others]
    if layout.variables and (name := next((f for row in [columns, *rows] for f in row if "$" in f), None)):
        raise DataError(f"{name!r} holds a '$', which {layout.title} takes for a variable; rename it.")
    write_table(target, columns, rows)
    return name_rest(layout.title, utterances, [*others, "sample_rate"])


def _variable(layout: Layout, path: str) -> str | None:
    match = _VARIABLE.search(path) if layout.variables else None
    return match[1] if match else None


def _times(first: int, stop: int | None, rate: int | None, stated: float | None) -> dict[str, float | None]:
    """Return start and duration in seconds of a stretch in samples; a stated duration is kept where it fits."""
    if stop is None and not first:
        return {"duration": stated}
    if rate is None:
        raise ValueError("the sample rate is not known")
    start = sample_time(first, rate)
    if stop is None:
        return {"start": start, "duration": stated}
    fits = stated is not None and round(stated * rate) == stop - first
    return {"start": start, "duration": stated if fits else sample_time(stop - first, rate)}


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def _number(row: Fields, column: str) -> float | None:
    text = row.get(column)
    if not text:
        return None
    try:
        return number_of({column: float(text)}, column)
    except ValueError:
        raise ValueError(f"{column!r} must be a number of seconds, not {text!r}") from None


def _whole(row: Fields, column: str) -> int | None:
    text = row.get(column)
    if not text:
        return None
    if not (text.isascii() and text.isdecimal()) or len(text) > 12:
        raise ValueError(f"{column!r} must be a whole number, not {text!r}")
    return int(text)
