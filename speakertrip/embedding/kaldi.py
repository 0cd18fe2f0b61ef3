"""A folder of embeddings for Kaldi's tools: ``xvector.ark``, the vectors, and ``xvector.scp``, where each is.

An archive holds, of each vector, its id, a space, and Kaldi's binary form: a zero byte and ``B``, the token ``FV`` and
a space, the byte 4 and the number of the values as int32, and the values as float32, all little-endian. A line of the
list is ``id path:offset``, the offset being that of the zero byte. See "Kaldi I/O mechanisms" in Kaldi's documentation,
and its ``matrix/kaldi-vector.cc``.
"""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from speakertrip.embedding.state import EMBEDDINGS, IDS
from speakertrip.errors import DataError, StorageError, UsageError
from speakertrip.manifests import Utterance
from speakertrip.manifests.lines import replacing

ARCHIVE, LIST = "xvector.ark", "xvector.scp"


def require_kaldi_names(utterances: Sequence[Utterance], place: Path) -> None:
    """Check that Kaldi can name utterances and the archive: neither ids nor lines of a list may be torn.

    Raises:
        DataError: an id holds white space.
        UsageError: the name of the folder holds a line break.
    """
    for utterance in utterances:
        if utterance.id.split() != [utterance.id]:
            raise DataError(
                f"The id {utterance.id!r} holds white space, which Kaldi's files cannot; rename it, or leave out "
                "--kaldi."
            )
    if "\n" in str(place.absolute()):
        raise UsageError(
            f"{place} holds a line break, which Kaldi's files cannot; name another folder, or leave out --kaldi."
        )


def write_kaldi(place: Path) -> None:
    """Write both files from ``embeddings.npy`` and ``ids.txt``, sorted by the bytes of the ids (``LC_ALL=C``).

    They get their names when both are whole; a kill just then may leave the archive without its list.

    Raises:
        StorageError: they cannot be written, or the embeddings cannot be read.
    """
    try:
        ids = (place / IDS).read_text(encoding="utf-8").split("\n")[:-1]
        rows = np.load(place / EMBEDDINGS, mmap_mode="r")
    except (OSError, EOFError, ValueError) as error:
        raise StorageError(f"Cannot read the embeddings of {place}: {error}.") from None
    if len(ids) != len(rows):
        raise StorageError(f"{place / IDS} is not that of {place / EMBEDDINGS}; remove both and run again.")
    order = sorted(range(len(ids)), key=lambda row: ids[row].encode())
    size = b"\x04" + np.array(rows.shape[1], "<i4").tobytes()
    with (
        replacing(place / LIST) as new_list,
        replacing(place / ARCHIVE) as new_archive,
        new_list.open("w", encoding="utf-8", newline="\n") as lines,
        new_archive.open("wb") as archive,
    ):
        for row in order:
            archive.write(f"{ids[row]} ".encode())
            lines.write(f"{ids[row]} {(place / ARCHIVE).absolute()}:{archive.tell()}\n")
            archive.write(b"\0BFV " + size + np.asarray(rows[row], "<f4").tobytes())
        for file in (lines, archive):
            file.flush()
            os.fsync(file.fileno())
        remove_kaldi(place)


def remove_kaldi(place: Path) -> None:
    """Remove the files of other embeddings, if there are any; the list first, without which nobody finds the rest.

    Raises:
        StorageError: they cannot be removed.
    """
    try:
        for name in (LIST, ARCHIVE):
            (place / name).unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(f"Cannot write {place}: {error.strerror}.") from None
