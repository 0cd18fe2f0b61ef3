"""Lhotse's cuts: a cut a line with its recording and supervisions, in a file named .jsonl or .jsonl.gz.

An utterance is what one supervision says of a cut. What Lhotse has no key for goes to ``custom`` of the supervision.
"""

from collections.abc import Sequence
from pathlib import Path

from speakertrip.corpora.folder import Progress
from speakertrip.corpora.interchange.json_lines import read_objects, write_objects
from speakertrip.corpora.interchange.lhotse_recordings import (
    Json,
    Placed,
    channel_of,
    custom_fields,
    parse_recording,
    parse_supervision,
    place_all,
    require_all_channels,
    require_lhotse_name,
)
from speakertrip.corpora.interchange.positions import sample_time
from speakertrip.corpora.interchange.rows import build_utterances, number_of, text_of
from speakertrip.manifests import Utterance
from speakertrip.manifests.lines import FilePath

KINDS = ("MonoCut", "MultiCut", "Cut")  # the last is what MonoCut was called before version 0.8


def read(source: FilePath, data_root: FilePath | None = None) -> list[Utterance]:
    """Read a cut set.

    An utterance goes by the id of its cut, or of its supervision where the cut has several; it is the stretch that
    the two have in common.

    Args:
        source: the file.
        data_root: where relative paths begin; None: in the file's folder.

    Raises:
        DataError: the file cannot be read, a line is malformed, a supervision names no speaker, or a cut is not a
            stretch of an audio file as it is (mixed, padded, transformed, one of several channels).
    """
    folder = Path(data_root or Path(source).parent).absolute()
    return build_utterances(read_objects(source, "cut set"), _parse, source, folder)


def write(utterances: Sequence[Utterance], target: FilePath, progress: Progress | None = None) -> list[str]:
    """Write a cut set with absolute paths; nothing is left out.

    Returns:
        No sentence.

    Raises:
        UsageError: Lhotse could not tell by its name what the file holds.
        DataError: an utterance holds no samples.
        AudioError: the header of an audio file cannot be read.
        StorageError: the file cannot be written.
    """
    require_lhotse_name(target)
    write_objects(target, [_format(placed) for placed in place_all(utterances, progress)])
    return []


def _parse(cut: Json) -> list[Json]:
    if cut.get("type") not in KINDS:
        raise ValueError(f"a {cut.get('type')!r} is no stretch of one file; write its audio to a file")
    recording = parse_recording(cut.get("recording"))
    require_all_channels(cut.get("channel", 0), recording)
    supervisions = cut.get("supervisions")
    if not isinstance(supervisions, list) or not supervisions:
        raise ValueError("the cut has no supervision, and so no speaker")
    made = [
        custom_fields(cut)
        | parse_supervision(supervision, recording)
        | _common(cut, supervision, recording.rate)
        for supervision in supervisions
    ]
    return [made[0] | {"id": text_of(cut, "id")}] if len(made) == 1 else made


def _common(cut: Json, supervision: Json, rate: int) -> Json:
    """Return start and duration, in seconds of the file, of what a cut and a supervision have in common."""
    start, duration = number_of(cut, "start"), number_of(cut, "duration")
    samples = round(duration * rate)
    first = round(number_of(supervision, "start") * rate)
    stop = first + round(number_of(supervision, "duration") * rate)
    if first <= 0 and stop >= samples:
        return {"start": start, "duration": duration}
    first, stop = max(first, 0), min(stop, samples)
    if stop <= first:
        raise ValueError(f"the supervision {supervision.get('id')!r} lies outside of its cut")
    return {
        "start": sample_time(round(start * rate) + first, rate),
        "duration": sample_time(stop - first, rate),
    }


def _format(placed: Placed) -> Json:
    supervision = placed.supervision
    channel = channel_of(placed.recording)
    return {
        "id": supervision["id"],
        "start": supervision["start"],
        "duration": supervision["duration"],
        "channel": channel,
        "supervisions": [supervision | {"start": 0.0}],
        "recording": placed.recording,
        "type": "MonoCut" if isinstance(channel, int) else "MultiCut",
    }
