"""Where audio comes from: a file, a stretch of one, bytes in memory, as from a pipe, or a file object."""

import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, TypeAlias

from speakertrip.audio.streams import GuardedStream, Window
from speakertrip.errors import AudioError
from speakertrip.manifests.lines import FilePath

MAX_BYTES = 2**30  # holds an hour, the longest utterance, of 48 kHz stereo in 24 bits
BLOCK = 2**20
NO_WAIT = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)  # a pipe without a writer would block


@dataclass(frozen=True, slots=True)
class AudioBytes:
    """An audio file in memory; as text it is its name.

    Attributes:
        content: what the file would hold.
        name: for messages.
    """

    content: bytes = field(repr=False)
    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class AudioSpan:
    """An audio file that lies within another file, as in a tar shard; as text it is its name.

    Attributes:
        path: the file that holds it.
        first: its first byte there.
        count: how many bytes it has.
        name: for messages.
    """

    path: Path
    first: int
    count: int
    name: str

    def __str__(self) -> str:
        return self.name


AudioSource: TypeAlias = FilePath | AudioBytes | AudioSpan | BinaryIO


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


def source_name(source: AudioSource) -> str:
    """Return what messages call a source.

    >>> source_name("a.wav"), source_name(AudioBytes(b"", "Standard input")), source_name(io.BytesIO())
    ('a.wav', 'Standard input', 'The audio')
    """
    if isinstance(source, str | os.PathLike | AudioBytes | AudioSpan):
        return str(source)
    name = getattr(source, "name", None)  # an open file has one; it may be a number
    return name if isinstance(name, str) else "The audio"


@contextmanager
def open_audio(source: AudioSource) -> Iterator[io.FileIO | GuardedStream]:
    """Open a source for reading, at its beginning.

    A file object is read from its own beginning, wherever it stands, and is left open; two threads may not share one.

    Raises:
        AudioError: there is no regular file that can be read, it ends before the span of an ``AudioSpan`` does, or the
            file object cannot be read.
    """
    if isinstance(source, str | os.PathLike):
        with _open_file(source) as file:
            yield file
    elif isinstance(source, AudioSpan):
        with _open_file(source.path) as file:
            if os.fstat(file.fileno()).st_size < source.first + source.count:
                raise AudioError(f"{source.path} ends before {source.name} does; write the shards again.")
            with _guard(Window(file, source.first, source.count), source.name) as guarded:
                yield guarded
    else:
        stream = io.BytesIO(source.content) if isinstance(source, AudioBytes) else source
        with _guard(stream, source_name(source)) as guarded:
            yield guarded


@contextmanager
def _guard(stream: BinaryIO | io.RawIOBase, name: str) -> Iterator[GuardedStream]:
    try:
        stream.seek(0)
    except Exception as error:  # whatever somebody else's object raises
        raise AudioError(
            f"{name} cannot be read from its beginning ({error}); give its bytes, by read_stream()."
        ) from error
    guarded = GuardedStream(stream)
    try:
        yield guarded
    finally:
        if guarded.error is not None:
            raise AudioError(f"{name} cannot be read: {guarded.error}.") from guarded.error


def require_file(path: FilePath) -> Path:
    """Return a path as a ``Path``.

    Raises:
        AudioError: there is no regular file.
    """
    try:
        # Looked at before it is opened: to open a device may set it going.
        if stat.S_ISREG(Path(path).stat().st_mode):
            return Path(path)
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from None
    raise AudioError(f"Cannot read {path}: it is not a regular file.")


@contextmanager
def _open_file(path: FilePath) -> Iterator[io.FileIO]:
    file = require_file(path)
    try:
        opened = io.FileIO(file, opener=lambda name, flags: os.open(name, flags | NO_WAIT))
    except OSError as error:
        raise _unreadable(path, error) from None
    with opened:
        yield opened


def _unreadable(path: FilePath, error: OSError | ValueError) -> AudioError:
    if isinstance(error, FileNotFoundError):
        return AudioError(f"Cannot read {path}: there is no such file.")
    return AudioError(f"Cannot read {path}: {getattr(error, 'strerror', None) or error}.")
