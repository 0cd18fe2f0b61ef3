"""Where audio comes from: a file, or bytes in memory, as from a pipe."""

import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, TypeAlias

from speakertrip.errors import AudioError
from speakertrip.manifests.lines import FilePath

MAX_BYTES = 2**30  # holds an hour, the longest utterance, of 48 kHz stereo in 24 bits
BLOCK = 2**20


@dataclass(frozen=True, slots=True)
class AudioBytes:
    """An audio file in memory; as text it is its name.

    Attributes:
        content: what the file would hold (WAV, FLAC, OGG/Opus, MP3).
        name: for messages.
    """

    content: bytes = field(repr=False)
    name: str

    def __str__(self) -> str:
        return self.name


AudioSource: TypeAlias = FilePath | AudioBytes


def read_stream(stream: BinaryIO, name: str) -> AudioBytes:
    """Read a stream of bytes to its end.

    Raises:
        AudioError: it cannot be read, or holds more than a GiB.
    """
    content = io.BytesIO()
    try:
        while block := stream.read(BLOCK):
            content.write(block)
            if content.tell() > MAX_BYTES:
                raise AudioError(f"{name} holds more than {MAX_BYTES >> 20} MiB; cut the audio.")
    except OSError as error:
        raise AudioError(f"{name} cannot be read: {error.strerror}.") from None
    return AudioBytes(content.getvalue(), name)


def require_file(path: FilePath) -> Path:
    """Return a path as a ``Path``.

    Raises:
        AudioError: there is no regular file.
    """
    file = Path(path)
    try:
        if file.is_file():
            return file
        problem = "it is not a regular file" if file.exists() else "there is no such file"
    except (OSError, ValueError) as error:
        problem = str(error)
    raise AudioError(f"Cannot read {path}: {problem}.")
