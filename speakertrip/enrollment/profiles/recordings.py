"""What the store keeps of a recording: which file it was, and how good."""

import hashlib
from collections.abc import Sequence
from os import PathLike
from pathlib import Path

import numpy as np
import numpy.typing as npt

from speakertrip.audio import AudioSource, Recording
from speakertrip.audio.source import BLOCK, open_audio, source_name
from speakertrip.enrollment.profiles.profile import Enrollment


def enrollment_of(
    recording: Recording, sha256: str, embedding: npt.NDArray[np.float32], origin: object = None
) -> Enrollment:
    """Return the enrollment of a recording with its checksum and its embedding ``(dim,)``.

    Args:
        recording: as it was measured.
        sha256: of it.
        embedding: of it.
        origin: where it is from, if that is not the whole of its source.
    """
    file, quality = recording.source, recording.quality
    whole = str(Path(file).absolute()) if isinstance(file, str | PathLike) else source_name(file)
    path = whole if origin is None else str(origin)
    measured = quality.seconds, quality.speech_seconds, quality.snr_db, quality.clipped
    return Enrollment(embedding, path, sha256, *measured)


def sha256_of(file: AudioSource, more: str = "") -> str:
    """Return the checksum of a file's bytes, and of what is said after them, in hexadecimal."""
    sum_ = hashlib.sha256()
    with open_audio(file) as stream:
        while block := stream.read(BLOCK):
            sum_.update(block)
    sum_.update(more.encode())
    return sum_.hexdigest()


def new_rows(sums: Sequence[str], known: set[str]) -> list[int]:
    """Return the rows whose checksum is neither known nor that of an earlier row."""
    first = {sum_: row for row, sum_ in reversed(list(enumerate(sums)))}
    return sorted(row for sum_, row in first.items() if sum_ not in known)
