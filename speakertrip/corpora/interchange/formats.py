"""The table of formats."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

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
    write: Callable[[Sequence[Utterance], FilePath], list[str]]


FORMATS = {
    "3d-speaker": Format(three_d_speaker.read, three_d_speaker.write),
    "kaldi": Format(kaldi.read, kaldi_export.write),
    "lhotse-cuts": Format(lhotse_cuts.read, lhotse_cuts.write),
    "lhotse-supervisions": Format(lhotse_supervisions.read, lhotse_supervisions.write),
    "nemo": Format(nemo.read, nemo.write),
    "speechbrain": Format(speechbrain.read, speechbrain.write),
    "wespeaker": Format(wespeaker.read, wespeaker.write),
}
