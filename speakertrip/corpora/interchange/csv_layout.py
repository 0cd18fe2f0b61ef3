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
# What SpeechBrain's recipes and its manual call the folder of the corpus.
ROOTS = ("data_root", "data_folder")


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
    id_, _, path, _, _, speaker = layout.columns
    folder = Path(data_root or Path(source).parent).absolute()
    rows = list(read_table(source, f"{layout.title} table", (id_, path, speaker)))
    if layout.variables and data_root:
        for _, row in rows:
            row[path] = _replace_roots(row[path], folder.as_posix())
    ready = [row for _, row in rows if _needs_rate(layout, row) and not _variable(layout, row)]
    headers = read_headers(folder / row[path] for row in ready)

    def parse(row: Fields) -> list[dict[str, Any]]:
        if name := _variable(layout, row):
            raise ValueError(
                f"the path {row[path]!r} begins at a folder that only --data-root can tell"
                if name in ROOTS
                else f"the path {row[path]!r} holds the variable ${name}; only ${' and $'.join(ROOTS)} are known"
            )
        rate = headers[folder / row[path]].sample_rate if _needs_rate(layout, row) else None
        return [_parse(layout, row, rate)]

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
    carried = [carried_fields(each, layout.columns) for each in utterances]
    fields = [{key: value for key, value in each.items() if _is_text(value)} for each in carried]
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
    lost = {key for each in carried for key, value in each.items() if not _is_text(value)}
    return name_rest(layout.title, utterances, [*(key for key in others if key not in lost), "sample_rate"])


def _replace_roots(path: str, root: str) -> str:
    return _VARIABLE.sub(lambda match: root if match[1] in ROOTS else match[0], path)


def _variable(layout: Layout, row: Fields) -> str | None:
    """Return the name of a variable in the path of a row."""
    match = _VARIABLE.search(row[layout.columns[2]]) if layout.variables else None
    return match[1] if match else None


def _needs_rate(layout: Layout, row: Fields) -> bool:
    """Tell whether a row has samples that only the header of its file turns into seconds."""
    start, stop = layout.columns[3:5]
    return layout.in_samples and bool(row.get(start) or row.get(stop)) and not row.get("sample_rate")


def _parse(layout: Layout, row: Fields, header_rate: int | None) -> dict[str, Any]:
    id_, duration, path, start, stop, speaker = layout.columns
    made = free_fields({key: value for key, value in row.items() if value}, layout.columns)
    rate = _whole(row, "sample_rate")
    if rate == 0:
        raise ValueError("'sample_rate' must be a positive number, not 0")
    made |= {"id": row[id_], "path": row[path], "speaker": row[speaker], "sample_rate": rate}
    stated = _number(row, duration)
    if layout.in_samples:
        return made | _times(_whole(row, start) or 0, _whole(row, stop), rate or header_rate, stated)
    first, end = _number(row, start) or 0.0, _number(row, stop)
    return made | {
        "start": first,
        "duration": stated if end is None else duration_between(first, end, rate, stated),
    }


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
