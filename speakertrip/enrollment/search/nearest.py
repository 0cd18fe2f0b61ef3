"""The rows of a large table that score highest with probes: exact, block by block."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from speakertrip.backend.ranking import Terms

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]
BLOCK = 2**15  # rows at a time, at most
KEYS = 2**19  # at a time, at most: they stay in the cache
PROBES = 64  # at a time


@dataclass(frozen=True, slots=True)
class Table:
    """What is searched.

    Attributes:
        rows: float32 ``(n, dim)``, of unit length; of memory or of a file.
        terms: float32 ``(n, 2)``, scale and offset of each row as ``Terms`` has them; None: 0 for all.
        empty: rows to leave out, increasing.
    """

    rows: FloatArray
    terms: FloatArray | None
    empty: IntArray

    def keys(self, block: slice, probes: Terms) -> FloatArray:
        """Return what probes are ranked by in a block of rows, ``(probes, rows)``; -inf for those left out.

        It is the score before calibration, less the offset of the probe; without terms, the inner product.
        """
        rows = self.rows[block]
        # One probe: a product of matrix and vector, twice as fast as that of two matrices.
        keys: FloatArray = (rows @ probes.rows[0])[None] if len(probes.rows) == 1 else probes.rows @ rows.T
        if self.terms is not None:
            scale, offset = self.terms[block].T
            keys *= scale + probes.scale[:, None]
            keys += offset
        first, last = np.searchsorted(self.empty, [block.start, block.stop])
        keys[:, self.empty[first:last] - block.start] = -np.inf
        return keys


@dataclass(frozen=True, slots=True)
class Nearest:
    """The rows that score highest with one probe.

    Attributes:
        keys: float32 ``(count,)``, decreasing; fewer where the table has fewer rows.
        rows: int64 ``(count,)``.
    """

    keys: FloatArray
    rows: IntArray

    def merged(self, keys: FloatArray, rows: IntArray, count: int) -> "Nearest":
        """Return the best of these and more, in no order."""
        keys, rows = np.concatenate([self.keys, keys]), np.concatenate([self.rows, rows])
        if len(keys) > count:
            best = np.argpartition(keys, len(keys) - count)[len(keys) - count :]
            keys, rows = keys[best], rows[best]
        return Nearest(keys, rows)

    def sorted(self) -> "Nearest":
        """Return the same by decreasing key; equal ones by row."""
        order = np.lexsort((self.rows, -self.keys))
        return Nearest(self.keys[order], self.rows[order])


def nearest(table: Table, probes: Terms, count: int) -> list[Nearest]:
    """Find the rows of the highest keys for each probe.

    Of rows whose keys equal the lowest that is returned, any may be left out.

    Args:
        table: of any size; each row is read once for every 64 probes.
        probes: of ``probe_terms``.
        count: rows to find, at least 1.

    Examples:
        >>> table = Table(np.eye(3, dtype=np.float32), None, np.array([0]))
        >>> probe = Terms(np.float32([[0.6, 0, 0.8]]), np.ones(1, np.float32), np.zeros(1, np.float32))
        >>> [found] = nearest(table, probe, 2)
        >>> found.rows.tolist(), found.keys.round(2).tolist()
        ([2, 1], [0.800000011920929, 0.0])
    """
    found: list[Nearest] = []
    for begin in range(0, len(probes.rows), PROBES):
        some = slice(begin, begin + PROBES)
        found += _nearest(table, Terms(probes.rows[some], probes.scale[some], probes.offset[some]), count)
    return found


def _nearest(table: Table, probes: Terms, count: int) -> list[Nearest]:
    none = Nearest(np.empty(0, np.float32), np.empty(0, np.int64))
    found = [none] * len(probes.rows)
    floor = np.full(len(found), -np.inf, np.float32)  # what a key must exceed to count
    step = min(BLOCK, KEYS // len(found))
    for begin in range(0, len(table.rows), step):
        keys = table.keys(slice(begin, begin + step), probes)
        for probe in np.flatnonzero(keys.max(axis=1) > floor):
            rows = np.flatnonzero(keys[probe] > floor[probe])
            found[probe] = found[probe].merged(keys[probe, rows], rows + begin, count)
            if len(found[probe].keys) == count:
                floor[probe] = found[probe].keys.min()
    return [each.sorted() for each in found]
