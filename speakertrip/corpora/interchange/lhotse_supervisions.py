"""Lhotse's recordings and supervisions: two files of a folder, named .jsonl or .jsonl.gz.

An utterance is a supervision. What Lhotse has no key for goes to its ``custom``.
"""

from collections.abc import Sequence
from pathlib import Path

from speakertrip.corpora.folder import Progress
from speakertrip.corpora.interchange.json_lines import read_objects, write_objects
from speakertrip.corpora.interchange.lhotse_recordings import (
    SUFFIXES,
    Json,
    Recording,
    parse_recording,
    parse_supervision,
    place_all,
)
from speakertrip.corpora.interchange.rows import build_utterances, number_of, text_of
from speakertrip.errors import DataError, counted
from speakertrip.manifests import Utterance
from speakertrip.manifests.lines import FilePath


def read(source: FilePath, data_root: FilePath | None = None) -> list[Utterance]:
    """Read the recordings and supervisions of a folder.

    Args:
        source: the folder; it holds one file with "recordings" in its name, and one with "supervisions".
        data_root: where relative paths begin; None: in the folder.

    Raises:
        DataError: a file is missing, ambiguous or malformed, a supervision names no speaker or no recording that is
            there, or a recording is not an audio file as it is.
    """
    path = _find(Path(source), "recordings")
    recordings: dict[str, Recording] = {}
    for line, row in read_objects(path, "recording set"):
        try:
            id_, recording = text_of(row, "id"), parse_recording(row)
        except ValueError as error:
            raise DataError(f"{path}, line {line}: {error}.") from None
        if id_ in recordings:
            raise DataError(
                f"{path}, line {line}: the recording {id_!r} is there already; ids must be unique."
            )
        recordings[id_] = recording

    def parse(row: Json) -> list[Json]:
        id_ = text_of(row, "recording_id")
        if id_ not in recordings:
            raise ValueError(f"the recording {id_!r} is not in {path.name}")
        times = {"start": number_of(row, "start"), "duration": number_of(row, "duration")}
        return [parse_supervision(row, recordings[id_]) | times]

    supervisions = _find(Path(source), "supervisions")
    rows = read_objects(supervisions, "supervision set")
    return build_utterances(rows, parse, supervisions, Path(data_root or source).absolute())


def write(utterances: Sequence[Utterance], target: FilePath, progress: Progress | None = None) -> list[str]:
    """Write ``recordings.jsonl.gz`` and ``supervisions.jsonl.gz`` into a folder, with absolute paths.

    Returns:
        No sentence: nothing is left out.

    Raises:
        DataError: an utterance holds no samples.
        AudioError: the header of an audio file cannot be read.
        StorageError: a file cannot be written.
    """
    placed = place_all(utterances, progress)
    recordings = {each.recording["id"]: each.recording for each in placed}
    write_objects(Path(target) / "recordings.jsonl.gz", recordings.values())
    write_objects(Path(target) / "supervisions.jsonl.gz", [each.supervision for each in placed])
    return []


def _find(folder: Path, word: str) -> Path:
    try:
        files = sorted(
            file for file in folder.iterdir() if word in file.name and file.name.endswith(SUFFIXES)
        )
    except OSError as error:
        raise DataError(f"Cannot read the folder {folder}: {error.strerror}.") from None
    if len(files) != 1:
        found = counted(len(files), "file") if files else "no file"
        raise DataError(
            f"{folder} holds {found} with {word!r} in the name and one of the endings {', '.join(SUFFIXES)}; one is "
            "expected."
        )
    return files[0]
