"""The manifest: one JSON object a line, one utterance an object."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from speakertrip.errors import DataError
from speakertrip.manifests.lines import FilePath, is_listable, read_lines, write_lines
from speakertrip.manifests.objects import parse_object


@dataclass(frozen=True, slots=True)
class Utterance:
    """One stretch of speech by one speaker.

    Attributes:
        id: unique within a manifest; the name that trial lists use.
        path: the audio file.
        speaker: who speaks.
        session: the recording occasion, where known.
        start: where the utterance begins in the file, in seconds.
        duration: its length in seconds; None: to the end of the file.
        sample_rate: of the file, in hertz, where known.
        language: a language tag, where known.
        sex: as the corpus states it, where known.
        sha256: of the file, in hexadecimal, where known.
        span: where the audio file lies within ``path``, as (first byte, bytes), where that is a shard of many; None:
            ``path`` is the audio file.
        extra: keys that this version does not know; they survive a read and a write.
    """

    id: str
    path: Path
    speaker: str
    session: str | None = None
    start: float = 0.0
    duration: float | None = None
    sample_rate: int | None = None
    language: str | None = None
    sex: str | None = None
    sha256: str | None = None
    span: tuple[int, int] | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


KEYS = tuple(f.name for f in fields(Utterance) if f.name != "extra")
TEXT_KEYS = ("id", "path", "speaker", "session", "language", "sex", "sha256")
MAX_BYTES = 2**63  # of a file
MAX_NUMBER = 1e12  # seconds or hertz; far above any real file, far below what overflows


def read_manifest(path: FilePath) -> list[Utterance]:
    """Read a manifest; relative audio paths are taken from the manifest's own folder.

    Raises:
        DataError: the file cannot be read, a line is not an object with ``id``, ``path`` and ``speaker``,
            a value has the wrong type or range, or a key comes twice in a line or an id in the file.
    """
    return [utterance for _, utterance in number_utterances(path)]


def number_utterances(path: FilePath) -> Iterator[tuple[int, Utterance]]:
    """Yield ``(line number, utterance)`` of each row of a manifest.

    Raises:
        DataError: as ``read_manifest``.
    """
    folder = Path(path).absolute().parent
    seen: dict[str, int] = {}
    for number, text in read_lines(path, "manifest"):
        try:
            utterance = make_utterance(parse_object(text), folder)
        except ValueError as error:
            raise DataError(f"{path}, line {number}: {error}.") from None
        if utterance.id in seen:
            raise DataError(
                f"{path}, line {number}: the id {utterance.id!r} is already on line {seen[utterance.id]}; "
                "ids must be unique."
            )
        seen[utterance.id] = number
        yield number, utterance
    if not seen:
        raise DataError(f"{path}: this manifest holds no utterance.")


def write_manifest(path: FilePath, utterances: Iterable[Utterance]) -> None:
    """Write a manifest; audio below the manifest's folder gets a relative path, other audio an absolute one.

    Raises:
        StorageError: the file cannot be written.
    """
    folder = Path(path).absolute().parent
    rows = (as_row(utterance, folder) for utterance in utterances)
    write_lines(path, (json.dumps(row, ensure_ascii=False) for row in rows))


def make_utterance(row: Mapping[str, Any], folder: Path) -> Utterance:
    """Make an utterance of what a line of a manifest holds.

    Args:
        row: values by key; those of other keys than the manifest's go to ``extra``.
        folder: where a relative path begins.

    Raises:
        ValueError: a required key is missing or empty, or a value has the wrong type or range; the message is a
            sentence without its full stop.
    """
    known = {key: row[key] for key in KEYS if row.get(key) is not None}
    for key in ("id", "path", "speaker"):
        if not known.get(key):
            raise ValueError(f"the key {key!r} is missing or empty")
    for key in TEXT_KEYS:
        if key in known and not isinstance(known[key], str):
            raise ValueError(f"{key!r} must be text, not {known[key]!r}")
    if not is_listable(known["id"]):
        raise ValueError(
            f"the id {known['id']!r} cannot stand in a trial list (manifests/README.md says why)"
        )
    for key in ("start", "duration", "sample_rate"):
        if key in known:
            _check_number(key, known[key])
    if "span" in known:
        known["span"] = _parse_span(known["span"])
    known["path"] = folder / known["path"]
    return Utterance(**known, extra={key: value for key, value in row.items() if key not in KEYS})


def _check_number(key: str, value: object) -> None:
    number = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < MAX_NUMBER
    if not number or (value == 0 and key != "start"):
        raise ValueError(
            f"{key!r} must be a {'non-negative' if key == 'start' else 'positive'} number, not {value!r}"
        )
    if key == "sample_rate" and not isinstance(value, int):
        raise ValueError(f"'sample_rate' must be a whole number of hertz, not {value!r}")


def _parse_span(value: object) -> tuple[int, int]:
    if isinstance(value, list) and [type(number) for number in value] == [int, int]:
        first, count = value
        if 0 <= first < MAX_BYTES and 0 < count < MAX_BYTES:
            return first, count
    raise ValueError(f"'span' must be [first byte, bytes], not {value!r}")


def as_row(utterance: Utterance, folder: Path) -> dict[str, Any]:
    """Return an utterance as a line of a manifest in a folder has it, without what is absent."""
    row: dict[str, Any] = {key: getattr(utterance, key) for key in KEYS}
    audio = utterance.path.absolute()
    row["path"] = audio.relative_to(folder).as_posix() if audio.is_relative_to(folder) else audio.as_posix()
    if not utterance.start:
        del row["start"]
    return {key: value for key, value in row.items() if value is not None} | dict(utterance.extra)
