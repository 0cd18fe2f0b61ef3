"""Read a Kaldi data folder: wav.scp, utt2spk, and where there are any segments, spk2gender, utt2lang and durations.

Kaldi runs what ends with "|" in wav.scp; here nothing is ever run.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from speakertrip.corpora.interchange.positions import duration_between
from speakertrip.corpora.interchange.rows import build_utterances, number_of
from speakertrip.errors import DataError
from speakertrip.manifests import Utterance
from speakertrip.manifests.lines import FilePath, read_blocks

ARCHIVE = re.compile(r":\d+(\[.*\])?$")  # an offset into an archive, as Kaldi reads the end of a path
SPACE = re.compile(r"[ \t]+")


@dataclass(frozen=True, slots=True)
class Table:
    """One file of the folder: a value for each key.

    Attributes:
        path: the file.
        values: the rest of the line by its first field.
        lines: the line numbers, by the same.
    """

    path: Path
    values: Mapping[str, str]
    lines: Mapping[str, int]

    def error(self, key: str, message: str) -> DataError:
        """Return an error that names the line of a key."""
        return DataError(f"{self.path}, line {self.lines[key]}: {message}.")


def read(source: FilePath, data_root: FilePath | None = None) -> list[Utterance]:
    """Read a data folder.

    Without ``segments`` an utterance is a whole file, and lasts as long as ``utt2dur`` (or ``reco2dur``) says, if
    either is there. ``spk2utt`` says nothing that ``utt2spk`` does not, and is not read.

    Args:
        source: the folder.
        data_root: where relative paths begin; None: in the folder.

    Raises:
        DataError: a file is missing or malformed, the files name different utterances, or wav.scp names a command
            or an archive.
    """
    folder = Path(source)
    recordings, speakers = _read_table(folder / "wav.scp"), _read_table(folder / "utt2spk")
    for key in recordings.values:
        _check_file(recordings, key)
    segments = _read_optional(folder / "segments")
    _check_same(segments or recordings, speakers)
    languages, sexes = _read_optional(folder / "utt2lang"), _read_optional(folder / "spk2gender")
    if segments:
        places = {key: _parse_segment(segments, key, recordings) for key in segments.values}
    else:
        lengths = [_read_optional(folder / name) for name in ("utt2dur", "reco2dur")]
        places = {key: _parse_whole(recordings, key, lengths) for key in recordings.values}

    def parse(row: tuple[str, str]) -> list[dict[str, Any]]:
        id_, speaker = row
        if SPACE.search(speaker):
            raise ValueError(f"expected 'utterance speaker', found {f'{id_} {speaker}'!r}")
        language = languages.values.get(id_) if languages else None
        sex = sexes.values.get(speaker) if sexes else None
        return [{"id": id_, "speaker": speaker, "language": language, "sex": sex} | places[id_]]

    rows = ((speakers.lines[id_], (id_, speaker)) for id_, speaker in speakers.values.items())
    return build_utterances(rows, parse, speakers.path, Path(data_root or folder).absolute())


def _read_optional(path: Path) -> Table | None:
    return _read_table(path) if path.exists() else None


def _read_table(path: Path) -> Table:
    values: dict[str, str] = {}
    lines: dict[str, int] = {}
    for first, raw in read_blocks(path, "Kaldi file"):
        for line, text in enumerate(raw.decode().split("\n")[:-1], first):
            key, *rest = SPACE.split(text.strip(" \t"), maxsplit=1)
            if not key:
                continue
            if not rest:
                raise DataError(f"{path}, line {line}: expected a key and a value, found {text!r}.")
            if key in values:
                raise DataError(f"{path}, line {line}: {key!r} is already on line {lines[key]}.")
            values[key], lines[key] = rest[0], line
    return Table(path, values, lines)


def _check_file(recordings: Table, key: str) -> None:
    value = recordings.values[key]
    if value.endswith("|") or value.startswith("|"):
        raise recordings.error(
            key,
            f"{value!r} is a command, and commands are never run; write its output to a file and name that",
        )
    if value == "-":
        raise recordings.error(key, "'-' is standard input; name a file")
    if ARCHIVE.search(value):
        raise recordings.error(
            key, f"{value!r} lies within an archive, which is not read; name a file of its own"
        )


def _check_same(places: Table, speakers: Table) -> None:
    for table, other in ((places, speakers), (speakers, places)):
        for key in table.values:
            if key not in other.values:
                raise table.error(
                    key, f"{key!r} is not in {other.path.name}; see Kaldi's utils/fix_data_dir.sh"
                )


def _parse_segment(segments: Table, key: str, recordings: Table) -> dict[str, Any]:
    recording, *times = SPACE.split(segments.values[key])
    if len(times) != 2:
        found = f"{key} {segments.values[key]}"
        raise segments.error(key, f"expected 'utterance recording start end', found {found!r}")
    if recording not in recordings.values:
        raise segments.error(key, f"the recording {recording!r} is not in {recordings.path.name}")
    start, end = (_seconds(segments, key, text) for text in times)
    if end == -1:  # to the end of the recording
        return {"path": recordings.values[recording], "start": start}
    if not 0 <= start < end:
        raise segments.error(
            key, f"a segment must end after it starts, not go from {times[0]} to {times[1]} s"
        )
    return {
        "path": recordings.values[recording],
        "start": start,
        "duration": duration_between(start, end, None),
    }


def _parse_whole(recordings: Table, key: str, lengths: list[Table | None]) -> dict[str, Any]:
    table = next((each for each in lengths if each and key in each.values), None)
    stated = _seconds(table, key, table.values[key]) if table else None
    return {"path": recordings.values[key], "duration": stated}


def _seconds(table: Table, key: str, text: str) -> float:
    try:
        return number_of({"time": float(text)}, "time")
    except ValueError:
        raise table.error(key, f"{text!r} is no number of seconds") from None
