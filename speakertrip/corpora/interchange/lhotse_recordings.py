"""What Lhotse's cuts and its supervisions have in common: a recording, and who speaks in a stretch of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from speakertrip.audio import AudioHeader
from speakertrip.corpora.folder import Progress
from speakertrip.corpora.interchange.positions import Stretch, exact_times, locate, read_headers
from speakertrip.corpora.interchange.rows import carried_fields, free_fields, text_of
from speakertrip.errors import UsageError
from speakertrip.manifests import Utterance
from speakertrip.manifests.lines import FilePath

Json = dict[str, Any]

SUFFIXES = (".jsonl", ".jsonl.gz")
PLACED = ("language", "sex", "sample_rate")  # keys of a manifest that have a place outside of ``custom``


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording that is one audio file.

    Attributes:
        path: the file.
        rate: its sample rate, in hertz.
        channels: which of its channels the recording has.
    """

    path: str
    rate: int
    channels: tuple[int, ...]


def parse_recording(row: object) -> Recording:
    """Read a recording.

    Raises:
        ValueError: it is malformed, is not one whole file (a command, a URL, several files), or is changed on
            reading (resampled, sped up).
    """
    if not isinstance(row, dict):
        raise ValueError("there is no recording; cuts of features alone name no audio")
    sources = row.get("sources")
    if not isinstance(sources, list) or len(sources) != 1 or not isinstance(sources[0], dict):
        raise ValueError("the recording does not name one source; write its audio to one file")
    kind, channels = sources[0].get("type"), sources[0].get("channels")
    if kind != "file":
        raise ValueError(f"the recording is a {kind!r}, and only a 'file' is read; write its audio to a file")
    if row.get("transforms"):
        raise ValueError(
            "the recording is transformed on reading; write its audio to a file as it shall sound"
        )
    if not isinstance(channels, list) or not all(isinstance(each, int) for each in channels) or not channels:
        raise ValueError("the source of the recording names no channels")
    rate = row.get("sampling_rate")
    if not isinstance(rate, int) or isinstance(rate, bool) or not 0 < rate < 1e9:
        raise ValueError(f"'sampling_rate' must be a whole number of hertz, not {rate!r}")
    return Recording(text_of(sources[0], "source"), rate, tuple(channels))


def parse_supervision(row: object, recording: Recording) -> Json:
    """Return what a manifest holds of a supervision, save where the stretch lies.

    Raises:
        ValueError: it is malformed, names no speaker, or one of several channels.
    """
    if not isinstance(row, dict):
        raise ValueError("a supervision is not a JSON object")
    require_all_channels(row.get("channel", 0), recording)
    if not row.get("speaker"):
        raise ValueError(f"the supervision {row.get('id')!r} names no speaker")
    known: Json = {"id": text_of(row, "id"), "path": recording.path, "speaker": text_of(row, "speaker")}
    known |= {"language": row.get("language"), "sex": row.get("gender"), "sample_rate": recording.rate}
    text = {"text": row["text"]} if row.get("text") is not None else {}
    return custom_fields(row) | text | known


def custom_fields(row: Json) -> Json:
    """Return what the ``custom`` of a cut or supervision holds for a manifest.

    Raises:
        ValueError: it is no object.
    """
    custom = row.get("custom") or {}
    if not isinstance(custom, dict):
        raise ValueError(f"'custom' must be an object, not {custom!r}")
    return free_fields(custom, PLACED)


def require_all_channels(channel: object, recording: Recording) -> None:
    """Check that a cut or supervision takes all channels of its recording.

    Raises:
        ValueError: it does not.
    """
    chosen = channel if isinstance(channel, list) else [channel]
    if sorted(map(str, chosen)) != sorted(map(str, recording.channels)):
        raise ValueError(
            f"it takes channel {channel!r} of {list(recording.channels)}, and the mean of all channels is what is "
            "read; write the channel to a file of its own"
        )


def require_lhotse_name(target: FilePath) -> None:
    """Check that Lhotse can tell by a file's name how to read it.

    Raises:
        UsageError: it cannot.
    """
    if not str(target).endswith(SUFFIXES):
        raise UsageError(
            f"Lhotse reads {' and '.join(SUFFIXES)} by their names; end {str(target)!r} with one."
        )


@dataclass(frozen=True, slots=True)
class Placed:
    """An utterance as Lhotse has it.

    Attributes:
        recording: the recording.
        supervision: who speaks, with times in the recording.
    """

    recording: Json
    supervision: Json


def place_all(utterances: Sequence[Utterance], progress: Progress | None) -> list[Placed]:
    """Make a recording, one for each file, and a supervision of each utterance.

    Raises:
        DataError: an utterance holds no samples.
        AudioError: the header of an audio file cannot be read.
    """
    headers = read_headers((utterance.path for utterance in utterances), progress)
    recordings: dict[Path, Json] = {}
    placed = []
    for utterance in utterances:
        header = headers[utterance.path]
        if utterance.path not in recordings:  # it goes by its first utterance
            recordings[utterance.path] = _format_recording(utterance, header)
        recording = recordings[utterance.path]
        placed.append(Placed(recording, _format_supervision(utterance, locate(utterance, header), recording)))
    return placed


def channel_of(recording: Json) -> int | list[int]:
    """Return the channels that a cut or supervision of the whole recording names."""
    channels: list[int] = recording["sources"][0]["channels"]
    return channels[0] if len(channels) == 1 else channels


def _format_recording(utterance: Utterance, header: AudioHeader) -> Json:
    frames = round(header.duration * header.sample_rate)
    source = utterance.path.absolute().as_posix()
    return {
        "id": utterance.id,
        "sources": [{"type": "file", "channels": list(range(header.channels)), "source": source}],
        "sampling_rate": header.sample_rate,
        "num_samples": frames,
        "duration": frames / header.sample_rate,
    }


def _format_supervision(utterance: Utterance, stretch: Stretch, recording: Json) -> Json:
    start, duration = exact_times(utterance, stretch)
    text = utterance.extra.get("text")
    text = text if isinstance(text, str) else None
    row = {
        "id": utterance.id,
        "recording_id": recording["id"],
        "start": start,
        "duration": duration,
        "channel": channel_of(recording),
        "speaker": utterance.speaker,
        "language": utterance.language,
        "gender": utterance.sex,
        "text": text,
        "custom": carried_fields(utterance, PLACED if text is None else (*PLACED, "text")),
    }
    return {key: value for key, value in row.items() if value is not None and value != {}}
