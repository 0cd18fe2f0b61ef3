"""An approximate index of a matrix: it nominates among millions without reading every row, and may miss one."""

import os
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from speakertrip.backend.ranking import Terms
from speakertrip.enrollment.search.matrix import Matrix, View
from speakertrip.enrollment.search.nearest import Nearest, Table, nearest
from speakertrip.enrollment.search.nominees import slack_of, speakers_of
from speakertrip.enrollment.search.search import NominatedSearch
from speakertrip.enrollment.store import changes
from speakertrip.enrollment.store.tables.shelf import Shelf
from speakertrip.errors import UsageError

if TYPE_CHECKING:
    from usearch.index import Index

IntArray = npt.NDArray[np.int64]
LOOKED_AT = 8  # rows that the index nominates for each that is wanted
FEWEST = 64
SAVED_AT = 0.01  # share of rows that must change before the file is written anew
CHUNK = 2**14  # rows added at a time
EXPANSION = 128  # of a search; more finds more, and takes longer


class ApproximateSearch(NominatedSearch):
    """A search whose nominees are those of an index; their scores are the backend's.

    The index is kept as a file beside the matrix and follows it. It cannot forget: when a speaker was removed, it is
    made anew.

    Args:
        matrix: to approximate.

    Raises:
        UsageError: usearch is not installed.
    """

    def __init__(self, matrix: Matrix) -> None:
        super().__init__(matrix)
        try:
            import usearch.index  # noqa: F401
        except ImportError:
            raise UsageError(
                "An approximate search needs the 'usearch' package: pip install 'speakertrip[search]'."
            ) from None
        self._index: tuple[str, int, Index] | None = None
        self._lock = Lock()

    def nominate(self, view: View, probes: Terms, top: int) -> list[IntArray]:
        """Return, for each probe, the row numbers of the speakers that the index finds."""
        with self._lock:
            index = self._follow(view)
        count = max(FEWEST, LOOKED_AT * top)
        found = []
        for probe in range(len(probes.rows)):
            only = slice(probe, probe + 1)
            rows = np.sort(np.asarray(index.search(probes.rows[probe], count, threads=1).keys, np.int64))
            rows = rows[rows < len(view.owners)]  # a slot at the end may have been given up
            rows = rows[view.owners[rows] != 0]
            if not len(rows):
                found.append(rows)
                continue
            terms = None if view.table.terms is None else view.table.terms[rows]
            some = Table(view.table.rows[rows], terms, np.empty(0, np.int64))
            one = Terms(probes.rows[only], probes.scale[only], probes.offset[only])
            [near] = nearest(some, one, len(rows))
            slack = slack_of(view, float(one.scale[0]))
            speakers = speakers_of(view, Nearest(near.keys, rows[near.rows]), top, slack, True)
            assert speakers is not None, "of everything there is"
            found.append(speakers)
        return found

    def _follow(self, view: View) -> "Index":
        """Return the index in step with the matrix."""
        if self._index is None or self._index[0] != view.name:
            self._index = self._read(view.name)
        if self._index is None or view.position.removal > self._index[1]:
            self._index = view.name, 0, self._empty(view)
        name, since, index = self._index
        changed = np.flatnonzero(view.stamps > since)
        if not len(changed):
            return index
        if since:
            index.remove(changed[np.asarray(index.contains(changed), np.bool_)])
        filled = changed[view.owners[changed] != 0]
        for begin in range(0, len(filled), CHUNK):
            some = filled[begin : begin + CHUNK]
            index.add(some, view.table.rows[some])
        self._index = name, view.position.changes, index
        if len(changed) > SAVED_AT * len(view.owners):
            self._save(view, index)
        return index

    def _empty(self, view: View) -> "Index":
        from usearch.index import Index

        dim = view.table.rows.shape[1]
        return Index(ndim=dim, metric="cos", dtype="f16", expansion_search=EXPANSION)

    def _folder(self) -> Path | None:
        home = self.matrix.home
        return home.folder if isinstance(home, Shelf) else None

    def _read(self, name: str) -> "tuple[str, int, Index] | None":
        """Read the index of a table, if there is one that is whole."""
        from usearch.index import Index

        folder = self._folder()
        for path in folder.glob(f"index-{name}-*") if folder else ():
            try:
                index = Index.restore(path, expansion_search=EXPANSION)
            except (OSError, RuntimeError, ValueError):  # another process replaced it, or it is damaged
                continue
            if index is not None:
                return name, int(path.name.rsplit("-", 1)[1]), index
        return None

    def _save(self, view: View, index: "Index") -> None:
        """Keep the index, unless somebody was removed meanwhile, or it cannot be written."""
        folder, home = self._folder(), self.matrix.home
        if folder is None:
            return
        try:
            with home.held(), self.matrix.database.reading() as db:
                if changes.position(db).removal > view.position.changes:
                    return
                fresh = folder / "index.part"
                os.close(os.open(fresh, os.O_CREAT | os.O_RDWR | os.O_TRUNC, 0o600))
                index.save(fresh)
                for path in folder.glob("index-*"):
                    path.unlink()
                fresh.replace(folder / f"index-{view.name}-{view.position.changes}")
        except (OSError, RuntimeError):
            (folder / "index.part").unlink(missing_ok=True)
