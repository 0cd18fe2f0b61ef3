"""What is done of a folder of embeddings: rows, and beside them a line that vouches for each chunk of them."""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType

import numpy as np
import numpy.typing as npt

from speakertrip.errors import StorageError
from speakertrip.manifests.lines import replacing

ROWS, LINES = ".embeddings.part", ".embeddings.jsonl"


@dataclass(frozen=True, slots=True)
class Chunk:
    """Utterances that are done.

    Attributes:
        utterances: how many.
        rows: how many of them have an embedding.
        sha256: of these rows.
        bad: why another has none, by its id.
    """

    utterances: int
    rows: int
    sha256: str
    bad: Mapping[str, str]


class Journal:
    """The rows that are done, in two files of a folder; what a kill left half written is cut off at the opening.

    Args:
        folder: where.
        dim: of a row.

    Attributes:
        chunks: those that are whole.

    Raises:
        StorageError: the files cannot be opened.
    """

    def __init__(self, folder: Path, dim: int) -> None:
        self._folder, self._dim = folder, dim
        self.chunks: list[Chunk] = []
        with self._errors():
            for name in (ROWS, LINES):
                (folder / name).touch()
            self._rows, self._lines = (folder / ROWS).open("r+b"), (folder / LINES).open("r+b")
            for text in self._lines:
                chunk = _parse(text)
                if chunk is None or _sum(self._rows.read(self._bytes(chunk))) != chunk.sha256:
                    break
                self.chunks.append(chunk)
            self._rows.truncate(self._rows.seek(sum(map(self._bytes, self.chunks))))
            self._lines.truncate(self._lines.seek(sum(len(_format(chunk)) for chunk in self.chunks)))

    def __enter__(self) -> "Journal":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):  # what is buffered goes to a full disk once more
            self._rows.close()
        with suppress(OSError):
            self._lines.close()

    def add(self, rows: npt.NDArray[np.float32], bad: Mapping[str, str], utterances: int) -> None:
        """Keep the rows of a chunk: on the disk, before the line that says so.

        Raises:
            StorageError: they cannot be written.
        """
        content = np.ascontiguousarray(rows, dtype="<f4").tobytes()
        chunk = Chunk(utterances, len(rows), _sum(content), dict(bad))
        with self._errors():
            for file, text in ((self._rows, content), (self._lines, _format(chunk))):
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
        self.chunks.append(chunk)

    def write_array(self, path: Path) -> None:
        """Write all rows as a file of numpy, ``(rows, dim)``, which gets its name when it is whole.

        Raises:
            StorageError: it cannot be written.
        """
        shape = (sum(chunk.rows for chunk in self.chunks), self._dim)
        header = {"descr": "<f4", "fortran_order": False, "shape": shape}
        with self._errors(), replacing(path) as temporary, temporary.open("wb") as file:
            np.lib.format.write_array_header_1_0(file, header)
            self._rows.seek(0)
            shutil.copyfileobj(self._rows, file)
            file.flush()
            os.fsync(file.fileno())

    @staticmethod
    def remove(folder: Path) -> None:
        """Remove both files, which nothing needs any more."""
        for name in (LINES, ROWS):
            with suppress(OSError):
                (folder / name).unlink()

    def _bytes(self, chunk: Chunk) -> int:
        return chunk.rows * self._dim * 4

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StorageError(f"Cannot write {self._folder}: {error.strerror}.") from None


def _sum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _format(chunk: Chunk) -> bytes:
    return json.dumps(asdict(chunk)).encode() + b"\n"


def _parse(text: bytes) -> Chunk | None:
    """Return what a line says; None: it is torn."""
    try:
        chunk = Chunk(**json.loads(text))
        return chunk if _format(chunk) == text else None
    except (ValueError, TypeError):
        return None
