"""The table of formats, and the way in and out of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from speakertrip.corpora.folder import Progress
from speakertrip.corpora.interchange import (
    kaldi,
    kaldi_export,
    lhotse_cuts,
    lhotse_supervisions,
    nemo,
    speechbrain,
    three_d_speaker,
    wespeaker,
)
from speakertrip.errors import DataError, UsageError
from speakertrip.manifests import Utterance
from speakertrip.manifests.lines import FilePath


@dataclass(frozen=True, slots=True)
class Format:
    """A format of another tool.

    Attributes:
        read: of a file or folder, and of the folder where relative paths begin (None: that of the file), the
            utterances.
        write: writes utterances to a file or folder, and returns in sentences what it changes or leaves out.
    """

    read: Callable[[FilePath, FilePath | None], list[Utterance]]
    write: Callable[[Sequence[Utterance], FilePath, Progress | None], list[str]]


FORMATS = {
    "3d-speaker": Format(three_d_speaker.read, three_d_speaker.write),
    "kaldi": Format(kaldi.read, kaldi_export.write),
    "lhotse-cuts": Format(lhotse_cuts.read, lhotse_cuts.write),
    "lhotse-supervisions": Format(lhotse_supervisions.read, lhotse_supervisions.write),
    "nemo": Format(nemo.read, nemo.write),
    "speechbrain": Format(speechbrain.read, speechbrain.write),
    "wespeaker": Format(wespeaker.read, wespeaker.write),
}


def import_utterances(name: str, source: FilePath, data_root: FilePath | None = None) -> list[Utterance]:
    """Read a file or folder of another tool.

    Args:
        name: of the format, one of ``FORMATS``.
        source: the file or folder.
        data_root: where relative audio paths begin; None: in the folder of the source.

    Raises:
        UsageError: there is no such format.
        DataError: the source cannot be read or is malformed; the message names the file and the line.
        AudioError: the format says too little without the header of an audio file, which cannot be read.
    """
    return _find(name).read(source, data_root)


def export_utterances(
    name: str, utterances: Sequence[Utterance], target: FilePath, progress: Progress | None = None
) -> list[str]:
    """Write utterances as a file or folder of another tool, with absolute paths.

    Args:
        name: of the format, one of ``FORMATS``.
        utterances: of a manifest.
        target: the file or folder.
        progress: called with (headers read, headers in all), where the format asks for more than the manifest says.

    Returns:
        What is changed or left out, in sentences.

    Raises:
        UsageError: there is no such format, or the target's name says another.
        DataError: an utterance lies in a shard, holds no samples, or cannot stand in the format.
        AudioError: the header of an audio file is needed and cannot be read.
        StorageError: the target cannot be written.
    """
    packed = next((utterance.id for utterance in utterances if utterance.span), None)
    if packed is not None:
        raise DataError(
            f"The utterance {packed!r} lies in a shard; export the manifest that the shard was made of."
        )
    return _find(name).write(utterances, target, progress)


def _find(name: str) -> Format:
    if name not in FORMATS:
        raise UsageError(f"There is no format {name!r}; take one of {', '.join(FORMATS)}.")
    return FORMATS[name]
