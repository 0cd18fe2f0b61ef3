"""NeMo's manifest: ``{"audio_filepath": ..., "offset": 0, "duration": 4.16, "label": "id00179"}`` a line.

Offset and duration in seconds, cut off to samples. Its readers take any further keys, and so the rest of a manifest
goes there, its id too, for NeMo has none.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from speakertrip.corpora.folder import Progress
from speakertrip.corpora.interchange.json_lines import read_objects, write_objects
from speakertrip.corpora.interchange.positions import exact_times, locate_all
from speakertrip.corpora.interchange.rows import (
    build_utterances,
    carried_fields,
    free_fields,
    name_rest,
    number_of,
    text_of,
)
from speakertrip.manifests import Utterance
from speakertrip.manifests.lines import FilePath

KEYS = ("audio_filepath", "offset", "duration", "label")


def read(source: FilePath, data_root: FilePath | None = None) -> list[Utterance]:
    """Read a NeMo manifest.

    The speaker is the ``label``, else the ``speaker``. Without an ``id``, an utterance goes by its path, followed by
    its offset and end (``a.wav_1.5_4.5``) where it does not have the file for itself.

    Args:
        source: the file.
        data_root: where relative paths begin; None: in the file's folder.

    Raises:
        DataError: the file cannot be read, or a line is malformed.
    """
    rows = list(read_objects(source, "NeMo manifest"))
    files = Counter(str(row.get("audio_filepath")) for _, row in rows)

    def parse(row: dict[str, Any]) -> list[dict[str, Any]]:
        path, offset = text_of(row, "audio_filepath"), number_of(row, "offset", 0.0)
        label = "label" if row.get("label") is not None else "speaker"
        duration = row.get("duration")
        cut = (
            f"_{offset:g}_{offset + number_of(row, 'duration'):g}" if duration is not None else f"_{offset:g}"
        )
        own = path if files[path] == 1 else path + cut
        name = own if row.get("id") is None else row["id"]
        known = {
            "id": name,
            "path": path,
            "speaker": text_of(row, label),
            "start": offset,
            "duration": duration,
        }
        return [free_fields(row, KEYS) | known]

    return build_utterances(rows, parse, source, Path(data_root or Path(source).parent).absolute())


def write(utterances: Sequence[Utterance], target: FilePath, progress: Progress | None = None) -> list[str]:
    """Write a NeMo manifest with absolute paths.

    Returns:
        What is left out, in sentences.

    Raises:
        DataError: an utterance holds no samples.
        AudioError: the header of an audio file is needed and cannot be read.
        StorageError: the file cannot be written.
    """
    rows = []
    for utterance, stretch in zip(utterances, locate_all(utterances, progress), strict=True):
        offset, duration = exact_times(utterance, stretch)
        audio = utterance.path.absolute().as_posix()
        known = {"audio_filepath": audio, "offset": offset, "duration": duration, "label": utterance.speaker}
        rows.append(known | {"id": utterance.id} | carried_fields(utterance, known))
    write_objects(target, rows)
    return name_rest("NeMo", utterances, [key for row in rows for key in row if key not in KEYS])
