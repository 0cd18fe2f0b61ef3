"""Streams of bytes that decoders read through."""

import io
from typing import Any, BinaryIO


class GuardedStream:
    """A stream whose callers, compiled libraries, never see an exception; the first is kept.

    Args:
        stream: seekable, of bytes.

    Attributes:
        error: what went wrong in a read; None while nothing has.
    """

    def __init__(self, stream: BinaryIO | io.RawIOBase) -> None:
        self._stream = stream
        self.error: Exception | None = None

    def read(self, size: int = -1) -> bytes:
        """Read at most ``size`` bytes; none where that fails."""
        try:
            data = self._stream.read(size)
            if not isinstance(data, bytes):
                raise TypeError("it gives text or nothing, and not bytes")
        except Exception as error:
            self.error = self.error or error
            return b""
        return data if size < 0 else data[:size]

    def readinto(self, buffer: Any) -> int:
        """Read as much as the buffer holds; return how much that was."""
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to a place; stay where it does not exist, as a file does."""
        try:
            self._stream.seek(offset, whence)
        except (OSError, ValueError):
            pass
        except Exception as error:
            self.error = self.error or error
        return self.tell()

    def tell(self) -> int:
        """Return the place; 0 where it cannot be told."""
        try:
            return self._stream.tell()
        except Exception as error:
            self.error = self.error or error
            return 0


class Window(io.RawIOBase):
    """A stretch of a file as a file of its own.

    Args:
        file: which; its place is moved.
        first: byte with which the stretch begins.
        count: bytes of the stretch.
    """

    def __init__(self, file: io.FileIO, first: int, count: int) -> None:
        self._file, self._first, self._count = file, first, count
        self._place = 0

    def readable(self) -> bool:
        """Say yes."""
        return True

    def seekable(self) -> bool:
        """Say yes."""
        return True

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Go to a place, which may lie beyond the end; return it."""
        place = offset + (0, self._place, self._count)[whence]
        if place < 0:
            raise ValueError(f"there is no place {place}")
        self._place = place
        return place

    def readinto(self, buffer: Any, /) -> int:
        """Read as much as the buffer holds, or as is left; return how much that was."""
        left = max(0, self._count - self._place)
        self._file.seek(self._first + self._place)
        read = self._file.readinto(memoryview(buffer)[:left]) or 0
        self._place += read
        return read
