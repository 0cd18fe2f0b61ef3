"""SpeechBrain's CSV: ``ID,duration,wav,start,stop,spk_id``, start and stop in samples.

The layout of its VoxCeleb recipe. Its own reader takes any further columns, and so the rest of a manifest goes there.
"""

from collections.abc import Sequence

from speakertrip.corpora.folder import Progress
from speakertrip.corpora.interchange.csv_layout import Layout, read_layout, write_layout
from speakertrip.manifests import Utterance
from speakertrip.manifests.lines import FilePath

LAYOUT = Layout(
    "SpeechBrain", ("ID", "duration", "wav", "start", "stop", "spk_id"), in_samples=True, variables=True
)


def read(source: FilePath, data_root: FilePath | None = None) -> list[Utterance]:
    """Read a CSV; ``$data_root`` and ``$data_folder`` stand for ``data_root``.

    Without start and stop, an utterance begins with its file and lasts for the duration.

    Raises:
        DataError, AudioError: see ``read_layout``.
    """
    return read_layout(LAYOUT, source, data_root)


def write(utterances: Sequence[Utterance], target: FilePath, progress: Progress | None = None) -> list[str]:
    """Write a CSV with absolute paths; the duration is the utterance's. Returns what is left out, in sentences.

    Raises:
        DataError, AudioError, StorageError: see ``write_layout``.
    """
    return write_layout(LAYOUT, utterances, target, progress)
