"""3D-Speaker's CSV: ``ID,dur,path,start,stop,spk``, start and stop in seconds.

The layout of its ``prepare_data_csv.py``, whose ``dur`` is the length of the file. Its reader takes any further
columns, and so the rest of a manifest goes there; its training data set reads whole files, whatever start and stop.
"""

from collections.abc import Sequence

from speakertrip.corpora.folder import Progress
from speakertrip.corpora.interchange.csv_layout import Layout, read_layout, write_layout
from speakertrip.manifests import Utterance
from speakertrip.manifests.lines import FilePath

LAYOUT = Layout(
    "3D-Speaker", ("ID", "dur", "path", "start", "stop", "spk"), in_samples=False, variables=False
)


def read(source: FilePath, data_root: FilePath | None = None) -> list[Utterance]:
    """Read a CSV; relative paths begin at ``data_root``, else at the file's folder.

    Raises:
        DataError: see ``read_layout``.
    """
    return read_layout(LAYOUT, source, data_root)


def write(utterances: Sequence[Utterance], target: FilePath, progress: Progress | None = None) -> list[str]:
    """Write a CSV with absolute paths; ``dur`` is the utterance's. Returns what is left out, in sentences.

    Raises:
        DataError, AudioError, StorageError: see ``write_layout``.
    """
    return write_layout(LAYOUT, utterances, target, progress)
