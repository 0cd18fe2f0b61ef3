"""Rows of many speakers, each in a slot that is used again when the speaker is gone: in memory, or in files."""

import os
from contextlib import suppress
from pathlib import Path

import numpy as np
import numpy.typing as npt

from speakertrip.backend.ranking import Terms

IntArray = npt.NDArray[np.int64]
FEWEST = 1024  # slots of a table
GROWTH = 1.25
ZEROS = 2**22  # bytes written at a time
CHUNK = 2**14  # rows looked at at a time


class Slots:
    """A table in memory.

    A row that is not zero has an owner at any moment: one is put after the owner is written, and cleared before.

    Args:
        dim: of the rows.

    Attributes:
        rows: float32 ``(capacity, dim)``.
        terms: float32 ``(capacity, 2)``: scale and offset.
        owners: int64 ``(capacity, 2)``: the row number of the speaker, 0 of a slot that is free; and the count of the
            store's changes when the slot was last written.
    """

    NAMES = ("rows", "terms", "owners")

    def __init__(self, dim: int) -> None:
        self.dim = dim
        self.rows = np.zeros((0, dim), np.float32)
        self.terms = np.zeros((0, 2), np.float32)
        self.owners = np.zeros((0, 2), np.int64)

    @property
    def capacity(self) -> int:
        """How many rows there is room for."""
        return len(self.owners)

    def used(self) -> int:
        """Return the number of the last slot in use, plus 1."""
        taken = np.flatnonzero(self.owners[:, 0])
        return int(taken[-1]) + 1 if len(taken) else 0

    def free(self) -> IntArray:
        """Return all slots that are free, increasing."""
        return np.flatnonzero(self.owners[:, 0] == 0)

    def of(self, speakers: IntArray) -> IntArray:
        """Return the slots of some speakers, increasing."""
        return np.flatnonzero(np.isin(self.owners[:, 0], speakers[speakers != 0]))

    def not_of(self, speakers: IntArray) -> IntArray:
        """Return the slots in use of all other speakers, increasing."""
        return np.flatnonzero(~np.isin(self.owners[:, 0], speakers) & (self.owners[:, 0] != 0))

    def unowned(self) -> IntArray:
        """Return the slots that are free and not empty: none, but after a loss of power."""
        free, found = self.free(), [np.empty(0, np.int64)]
        for begin in range(0, len(free), CHUNK):
            some = free[begin : begin + CHUNK]
            found.append(some[self.rows[some].any(axis=1)])
        return np.concatenate(found)

    def put(self, slots: IntArray, speakers: IntArray, terms: Terms, changes: int) -> None:
        """Fill slots that are free."""
        self.owners[slots] = np.column_stack([speakers, np.full(len(slots), changes)])
        self.terms[slots] = np.column_stack([terms.scale, terms.offset])
        self.rows[slots] = terms.rows

    def clear(self, slots: IntArray, changes: int) -> None:
        """Leave nothing in some slots, which are then free."""
        self.rows[slots] = 0
        self.terms[slots] = 0
        self.owners[slots] = [0, changes]

    def reserve(self, count: int) -> None:
        """Make room for so many rows in all; what is there stays.

        Raises:
            OSError: the files cannot grow.
        """
        if count > self.capacity:
            self._grow(max(FEWEST, count, int(GROWTH * self.capacity)))

    def look(self) -> None:
        """Take notice of room that another process made."""

    def flush(self) -> None:
        """Have everything on the disk, where it is on one."""

    def _grow(self, capacity: int) -> None:
        for name in self.NAMES:
            old = getattr(self, name)
            new = np.zeros((capacity, old.shape[1]), old.dtype)
            new[: len(old)] = old
            setattr(self, name, new)


class FileSlots(Slots):
    """A table in files, mapped into memory; each is readable by its owner alone.

    Args:
        folder: that holds them.
        dim: of the rows.

    Raises:
        OSError: they cannot be opened or made.
    """

    def __init__(self, folder: Path, dim: int) -> None:
        super().__init__(dim)
        self.files = {name: folder / name for name in self.NAMES}
        for path in self.files.values():
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        self._map()

    def look(self) -> None:
        """Take notice of room that another process made."""
        if self.files["owners"].stat().st_size != self.owners.nbytes:
            self._map()

    def flush(self) -> None:
        """Have everything on the disk."""
        for name in self.NAMES:
            mapped = getattr(self, name).base
            if isinstance(mapped, np.memmap):
                mapped.flush()

    def _map(self) -> None:
        """Map what all three files have room for: a process may have died as they grew."""
        shapes = {name: (getattr(self, name).dtype, getattr(self, name).shape[1]) for name in self.NAMES}
        sizes = [
            self.files[name].stat().st_size // (dtype.itemsize * width)
            for name, (dtype, width) in shapes.items()
        ]
        for name, (dtype, width) in shapes.items():
            if min(sizes):
                mapped = np.memmap(self.files[name], dtype, "r+", shape=(min(sizes), width))
                setattr(self, name, np.asarray(mapped))  # plain: a slice of a memmap costs more

    def _grow(self, capacity: int) -> None:
        # Zeros are written, not left out: in a hole of a file, a full disk would kill the process at the first use.
        for name, path in self.files.items():
            width = getattr(self, name).shape[1] * getattr(self, name).dtype.itemsize
            with path.open("r+b") as file:
                left = capacity * width - file.seek(0, os.SEEK_END)
                while left > 0:
                    left -= file.write(bytes(min(left, ZEROS)))
        self._map()


def remove_files(folder: Path) -> None:
    """Remove the files of a table, where there are any."""
    for name in Slots.NAMES:
        with suppress(FileNotFoundError):
            (folder / name).unlink()
