"""What is done of a folder of embeddings: a file for each chunk, whichever process embedded it, and when."""

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from speakertrip.errors import StorageError
from speakertrip.manifests.lines import replacing

CHUNKS, REMOVED = ".embed.chunks", ".embed.removed"


@dataclass(frozen=True, slots=True)
class Chunk:
    """Utterances that are done.

    Attributes:
        rows: how many of them have an embedding.
        bad: why another has none, by its id.
    """

    rows: int
    bad: Mapping[str, str]


class Chunks:
    """The chunks of a manifest, by their numbers from 0; each gets its name when it is whole, and vouches for itself.

    Args:
        folder: of the embeddings; the chunks are in a folder of their own there.
        key: what they are of; a chunk of anything else does not count.
        dim: of a row.

    Attributes:
        done: the chunks that have been added or found.
    """

    def __init__(self, folder: Path, key: str, dim: int) -> None:
        self._folder, self._key, self._dim = folder, key, dim
        self.done: dict[int, Chunk] = {}

    def begin(self) -> None:
        """Make the folder of the chunks, if there is none; for one process, as ``remove``.

        Raises:
            StorageError: it cannot be made.
        """
        with self._errors("write"):
            (self._folder / CHUNKS).mkdir(exist_ok=True)

    @property
    def begun(self) -> bool:
        """Whether the folder of the chunks is there."""
        return (self._folder / CHUNKS).exists()

    def look(self, numbers: Iterable[int]) -> list[int]:
        """Look for chunks that are not known to be done, and return those that are; a damaged one is not.

        Raises:
            StorageError: the folder cannot be read.
        """
        names = set()
        with self._errors("read"), suppress(FileNotFoundError):
            names = {path.name for path in (self._folder / CHUNKS).iterdir()}
        found = []
        for number in numbers:
            if number not in self.done and str(number) in names and (content := self._read(number)):
                self.done[number] = content[0]
                found.append(number)
        return found

    def add(self, number: int, rows: npt.NDArray[np.float32], bad: Mapping[str, str]) -> None:
        """Keep a chunk, on the disk; one of this number that is there already is replaced.

        Raises:
            StorageError: it cannot be written, or the folder of the chunks is gone.
        """
        chunk = Chunk(len(rows), dict(bad))
        header = json.dumps(asdict(chunk)).encode()
        content = header + b"\n" + np.ascontiguousarray(rows, dtype="<f4").tobytes()
        path = self._path(number)
        temporary = path.with_name(f".{number}.{os.getpid()}")  # a process of a run before may not have ended
        with self._errors("write"):
            with temporary.open("wb") as file:
                file.write(self._sum(number, content) + b"\n" + content)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        self.done[number] = chunk

    def write_array(self, path: Path) -> None:
        """Write the rows of all that is done as a file of numpy, ``(rows, dim)``, which gets its name when it is whole.

        Raises:
            StorageError: it cannot be written, or a chunk is no longer what it was.
        """
        shape = (sum(chunk.rows for chunk in self.done.values()), self._dim)
        header = {"descr": "<f4", "fortran_order": False, "shape": shape}
        with replacing(path) as temporary, temporary.open("wb") as file:
            np.lib.format.write_array_header_1_0(file, header)
            for number in sorted(self.done):
                content = self._read(number)
                if content is None or content[0] != self.done[number]:  # damaged, or by another process since
                    raise StorageError(
                        f"{self._path(number)} is no longer what was found there; run the same again, which goes "
                        "on with the rest."
                    )
                file.write(content[1])
            file.flush()
            os.fsync(file.fileno())

    @staticmethod
    def remove(folder: Path) -> None:
        """Remove all of them, which nothing needs any more; renamed first, so that no late process adds one."""
        shutil.rmtree(folder / REMOVED, ignore_errors=True)  # of a run that was killed just here
        with suppress(OSError):
            (folder / CHUNKS).rename(folder / REMOVED)
        shutil.rmtree(folder / REMOVED, ignore_errors=True)

    def _path(self, number: int) -> Path:
        return self._folder / CHUNKS / str(number)

    def _read(self, number: int) -> tuple[Chunk, bytes] | None:
        """Return a chunk and its rows; None: it is damaged, gone, or of something else."""
        sum_ = content = b""
        with self._errors("read"), suppress(FileNotFoundError):
            sum_, _, content = self._path(number).read_bytes().partition(b"\n")
        if sum_ != self._sum(number, content):
            return None
        header, _, rows = content.partition(b"\n")
        return Chunk(**json.loads(header)), rows

    def _sum(self, number: int, content: bytes) -> bytes:
        return hashlib.sha256(f"{self._key} {number}\n".encode() + content).hexdigest().encode()

    @contextmanager
    def _errors(self, verb: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StorageError(f"Cannot {verb} {self._folder}: {error.strerror}.") from None
