"""WeSpeaker's raw list: ``{"key": ..., "spk": ..., "wav": ..., "vad": [[start, end], ...]}`` a line.

The stretches of ``vad`` are in seconds, cut off to samples; without the key the whole file is meant. Its reader takes
any further keys, and so the rest of a manifest goes there. Its wav.scp and utt2spk are a Kaldi folder.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from speakertrip.audio import AudioHeader
from speakertrip.corpora.folder import Progress
from speakertrip.corpora.interchange.json_lines import read_objects, write_objects
from speakertrip.corpora.interchange.positions import duration_between, keep_time, locate, read_headers
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

KEYS = ("key", "spk", "wav", "vad")


def read(source: FilePath, data_root: FilePath | None = None) -> list[Utterance]:
    """Read a raw list.

    The utterance reaches from the beginning of the first stretch of ``vad`` to the end of the last; where there are
    several, the list stays with it as the key ``vad``.

    Args:
        source: the file.
        data_root: where relative paths begin; None: in the file's folder.

    Raises:
        DataError: the file cannot be read, or a line is malformed.
    """
    return build_utterances(
        read_objects(source, "WeSpeaker list"),
        _parse,
        source,
        Path(data_root or Path(source).parent).absolute(),
    )


def write(utterances: Sequence[Utterance], target: FilePath, progress: Progress | None = None) -> list[str]:
    """Write a raw list with absolute paths; ``vad`` where an utterance is not the whole of its file.

    Returns:
        What is left out, in sentences.

    Raises:
        DataError: an utterance holds no samples.
        AudioError: the header of an audio file is needed and cannot be read.
        StorageError: the file cannot be written.
    """
    placed = [each.path for each in utterances if each.start or each.duration is not None]
    headers = read_headers(placed, progress)
    rows = [_format(each, headers.get(each.path)) for each in utterances]
    write_objects(target, rows)
    return name_rest(
        "WeSpeaker", utterances, [key for row in rows for key in row if key not in KEYS or key == "vad"]
    )


def _parse(row: dict[str, Any]) -> list[dict[str, Any]]:
    made = free_fields(row, KEYS)
    made |= {"id": text_of(row, "key"), "path": text_of(row, "wav"), "speaker": text_of(row, "spk")}
    stated = None if row.get("duration") is None else number_of(row, "duration")
    if row.get("vad") is None:
        return [made | {"duration": stated}]
    start, end = _bounds(row["vad"])
    rate = row.get("sample_rate")
    rate = rate if isinstance(rate, int) else None
    if len(row["vad"]) > 1:
        made["vad"] = row["vad"]
    return [made | {"start": start, "duration": duration_between(start, end, rate, stated)}]


def _bounds(stretches: object) -> tuple[float, float]:
    """Return where the first stretch begins and the last one ends.

    Raises:
        ValueError: it is no list of ascending pairs of numbers.
    """
    ends: list[float] = []
    for stretch in stretches if isinstance(stretches, list) else []:
        if not isinstance(stretch, list) or len(stretch) != 2:
            raise ValueError(f"'vad' must hold pairs of seconds, not {stretch!r}")
        ends += [_seconds(bound) for bound in stretch]
    if not ends or sorted(ends) != ends or ends[0] < 0:
        raise ValueError(f"'vad' must hold stretches of seconds in ascending order, not {stretches!r}")
    return ends[0], ends[-1]


def _seconds(bound: object) -> float:
    return number_of(
        {"vad": float(bound) if isinstance(bound, str) else bound}, "vad"
    )  # its reader takes text too


def _format(utterance: Utterance, header: AudioHeader | None) -> dict[str, Any]:
    known: dict[str, Any] = {
        "key": utterance.id,
        "spk": utterance.speaker,
        "wav": utterance.path.absolute().as_posix(),
    }
    if utterance.duration is not None:
        known["duration"] = utterance.duration
    stretch = locate(utterance, header) if header else None
    if stretch and not stretch.whole:
        known["vad"] = [[keep_time(utterance.start, stretch.rate), stretch.end]]
        if _is_within(utterance.extra.get("vad"), known["vad"][0]):
            known["vad"] = utterance.extra["vad"]
        known["sample_rate"] = stretch.rate
    return known | carried_fields(utterance, known)


def _is_within(stretches: object, bounds: list[float]) -> bool:
    """Tell whether a list of stretches, if it is one, has these bounds, to a tenth of a millisecond."""
    try:
        return all(abs(a - b) < 1e-4 for a, b in zip(_bounds(stretches), bounds, strict=True))
    except ValueError:
        return False
