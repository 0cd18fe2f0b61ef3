"""Unpack an archive that somebody else made: nothing leaves the folder, and nothing is a link or a device."""

import errno
import gzip
import io
import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, TypeAlias

from speakertrip.errors import DataError, StorageError
from speakertrip.manifests.lines import replacing

CHUNK = 1 << 20  # bytes
MOST_GROWTH = 20  # times the archive's size; audio hardly shrinks
SMALL = 1 << 26  # bytes that any archive may unpack to
DAMAGE = (
    tarfile.TarError,
    zipfile.BadZipFile,
    gzip.BadGzipFile,
    EOFError,
    zlib.error,
    lzma.LZMAError,
    ValueError,
)
MEMBER = 1 << 10  # bytes that each file counts for at least: they cost even when empty

Progress: TypeAlias = Callable[[int, "int | None"], None]


def unpack(parts: Sequence[Path], folder: Path, progress: Progress | None = None) -> None:
    """Unpack a ``.tar.gz`` or ``.zip`` archive into a folder.

    Each file comes under its name only when it is whole, and a file that is there in the right size is left, so a
    second call goes on where the first broke off. Owners and permissions are not taken over.

    Args:
        parts: the archive's file; several, in their order, where a ``.tar.gz`` was published in pieces.
        folder: where to; it is created.
        progress: called with (bytes of the archive done, bytes in all).

    Raises:
        DataError: the archive is damaged or truncated, a member would lie outside the folder or is a link or a
            device, or all would come to more than 20 times the archive's size.
        StorageError: something cannot be written.
    """
    size = sum(part.stat().st_size for part in parts)
    name = parts[0].name
    limit = max(MOST_GROWTH * size, SMALL)
    used = 0
    try:
        with ExitStack() as stack:
            for member in _members(parts, stack):
                used += max(member.size, MEMBER)
                if used > limit:
                    raise DataError(f"{name} would unpack to more than {limit:,} bytes; this is no corpus.")
                _write(member, _place(folder, member.name, name))
                if progress:
                    progress(member.position, size)
    except DAMAGE as error:
        raise DataError(f"{parts[0]} is damaged ({error}); download it anew.") from None
    except RuntimeError as error:  # what zipfile says of encryption and odd methods
        raise DataError(f"{parts[0]} cannot be unpacked ({error}).") from None
    except OSError as error:
        if error.errno in (None, errno.EINVAL):  # a decompressor's, or a place beyond the archive
            raise DataError(f"{parts[0]} is damaged ({error}); download it anew.") from None
        raise StorageError(f"Cannot unpack {name} into {folder}: {error.strerror}.") from None


@dataclass(frozen=True, slots=True)
class _Member:
    """A file in an archive; folders come with the files in them."""

    name: str
    size: int  # bytes
    data: IO[bytes]
    position: int  # bytes of the archive up to here


def _members(parts: Sequence[Path], stack: ExitStack) -> Iterator[_Member]:
    if parts[0].name.endswith(".zip"):
        return _zip_members(parts[0], stack)
    files = [stack.enter_context(part.open("rb")) for part in parts]
    return _tar_members(io.BufferedReader(_Joined(files), CHUNK), parts[0].name)


def _zip_members(path: Path, stack: ExitStack) -> Iterator[_Member]:
    archive = stack.enter_context(zipfile.ZipFile(path))
    for info in archive.infolist():
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise DataError(f"{path.name} holds {info.filename!r}, which is neither file nor folder.")
        if not info.is_dir():
            with archive.open(info) as data:
                yield _Member(info.filename, info.file_size, data, info.header_offset + info.compress_size)


def _tar_members(raw: io.BufferedReader, name: str) -> Iterator[_Member]:
    with gzip.GzipFile(fileobj=raw) as plain, tarfile.open(fileobj=plain, mode="r|") as archive:
        for info in archive:
            if not (info.isfile() or info.isdir()):
                raise DataError(f"{name} holds {info.name!r}, which is neither file nor folder.")
            if data := archive.extractfile(info):
                yield _Member(info.name, info.size, data, raw.tell())
        while plain.read(CHUNK):  # to the end: only there a checksum of the whole is
            pass


class _Joined(io.RawIOBase):
    """Files read one after the other as one."""

    def __init__(self, files: Sequence[IO[bytes]]) -> None:
        self._files = list(files)
        self._position = 0

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while self._files:
            data = self._files[0].read(len(buffer))
            if data:
                buffer[: len(data)] = data
                self._position += len(data)
                return len(data)
            self._files.pop(0)
        return 0


def _place(folder: Path, member: str, archive: str) -> Path:
    """Return where a member goes.

    >>> _place(Path("corpus"), "./wav/a.flac", "a.zip").as_posix()
    'corpus/wav/a.flac'
    >>> _place(Path("corpus"), "wav/../../a.flac", "a.zip")
    Traceback (most recent call last):
    speakertrip.errors.DataError: a.zip holds 'wav/../../a.flac', which would lie outside the folder.
    """
    path = PurePosixPath(member)
    outside = path.is_absolute() or ".." in path.parts or not path.parts
    if outside or "\\" in member or "\0" in member or ":" in path.parts[0]:
        raise DataError(f"{archive} holds {member!r}, which would lie outside the folder.")
    return folder / path


def _write(member: _Member, target: Path) -> None:
    if target.is_file() and target.stat().st_size == member.size:
        return
    if target.is_symlink():  # it would be written through, out of the folder
        target.unlink()
    with replacing(target) as temporary, temporary.open("wb") as file:
        file.writelines(_read(member))


def _read(member: _Member) -> Iterator[bytes]:
    left = member.size
    try:
        while left and (chunk := member.data.read(min(CHUNK, left))):
            yield chunk
            left -= len(chunk)
        surplus = member.data.read(1)  # to the end: there zipfile compares the checksum
    except OSError as error:  # of the archive, not of the file that is written
        raise ValueError(error) from None
    if left or surplus:
        raise ValueError(f"{member.name} has another size than stated")
