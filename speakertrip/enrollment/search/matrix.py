"""A row for each profile of a store, or each utterance, brought in step with the store by what changed since."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice

import numpy as np
import numpy.typing as npt

from speakertrip.backend import Backend
from speakertrip.backend.ranking import before_calibration, profile_terms
from speakertrip.backend.storage import digest
from speakertrip.enrollment.search.nearest import Table
from speakertrip.enrollment.search.people import People
from speakertrip.enrollment.store import changes, rows
from speakertrip.enrollment.store.changes import Position
from speakertrip.enrollment.store.connection import Connection
from speakertrip.enrollment.store.database import Database
from speakertrip.enrollment.store.tables.shelf import Memory, Shelf
from speakertrip.enrollment.store.tables.slots import Slots
from speakertrip.enrollment.store.tables.state import Contents, Scoring, State
from speakertrip.errors import StorageError

IntArray = npt.NDArray[np.int64]
PROFILES = 4096  # read at a time


@dataclass(frozen=True, slots=True)
class View:
    """The matrix as it shows the store at a position; true as long as the store is there.

    Attributes:
        name: of the table, drawn at random when it was begun.
        position: of the store.
        table: the rows.
        owners: int64 ``(n,)``, the row number of each row's speaker in the store.
        stamps: int64 ``(n,)``, the count of the store's changes when each row was last written.
        speakers: how many there are of the model.
        others: how many of other models.
        scale: the largest scale of a row.
        offset: the largest offset, above or below 0.
    """

    name: str
    position: Position
    table: Table
    owners: IntArray
    stamps: IntArray
    speakers: int
    others: int
    scale: float = 0.0
    offset: float = 0.0


class Matrix:
    """Rows of all speakers of one model, in files beside the store; in memory where that is not wanted or possible.

    It only nominates: what is answered of a speaker is computed from the store. Another store in this one's place, or
    an older copy, is noticed; not so an older copy in which as much was changed since, before anybody searched it.

    Args:
        database: of the store.
        model: identity of the bundle.
        backend: it ranks by a product.
        scoring: a row for the mean of a speaker's utterances, or one for each of them.
        on_disk: whether files may be kept.
    """

    def __init__(
        self, database: Database, model: str, backend: Backend, scoring: Scoring, on_disk: bool
    ) -> None:
        self.database, self.backend = database, backend
        self.contents = Contents(model=model, backend=digest(before_calibration(backend)), scoring=scoring)
        self.home: Shelf | Memory = Shelf(database.path, self.contents) if on_disk else Memory()
        self._view: View | None = None

    def view(self) -> View:
        """Return the matrix in step with the store.

        Raises:
            StoreError: a profile is damaged.
            StorageError: the store cannot be read, or another process does not let go of the matrix.
        """
        with self.database.reading() as db:
            place = changes.position(db)
        known = self._view  # another thread may forget it
        if known and known.position == place:
            return known
        if not place.origin and isinstance(self.home, Shelf):
            self.home = Memory()  # the file is of an older version, and tells no changes
        try:
            with self._holding() as (_, view):
                return view
        except OSError:  # read only, or full
            self.home = Memory()
            with self._holding() as (_, view):
                return view

    @contextmanager
    def holding(self) -> Iterator[tuple[Connection, View]]:
        """Show one state of the store, and the matrix in step with it, which nobody changes meanwhile.

        Raises:
            StoreError: a profile is damaged.
            StorageError: the store or the matrix cannot be used.
        """
        self.view()  # which finds out where the matrix can be
        try:
            with self._holding() as both:
                yield both
        except OSError as error:
            raise StorageError(f"Cannot write beside {self.database.path}: {error.strerror}.") from None

    def forget(self) -> None:
        """Have the matrix made anew: the store is not the one that it was in step with, whatever it says."""
        home = self.home
        with home.held():
            home.drop()
        self._view = None

    @contextmanager
    def _holding(self) -> Iterator[tuple[Connection, View]]:
        home = self.home
        with home.held(), self.database.reading() as db:
            yield db, self._follow(home, db)

    def _follow(self, home: Shelf | Memory, db: Connection) -> View:
        place = changes.position(db)
        if self._view and self._view.position == place:
            return self._view
        state = home.state()
        if state and (state.origin != place.origin or state.changes > place.changes):
            state = None  # another store has come in this one's place, or an older copy
        slots = home.open(state) if state else None
        if state is None or slots is None or slots.capacity < state.rows:
            dim = self._dim(db)
            if dim is None:
                nothing = Table(np.empty((0, 0), np.float32), None, np.empty(0, np.int64))
                return View("", place, nothing, nothing.empty, nothing.empty, 0, changes.count(db))
            slots, name = home.begin(dim)
            since = 0
        else:
            name, since = state.table, state.changes
        if since < place.changes:
            self._refill(slots, db, since, place)
            facts = {"origin": place.origin, "changes": place.changes, "table": name}
            home.save(State(contents=self.contents, dim=slots.dim, rows=slots.used(), **facts))
        self._view = self._look(slots, name, place, changes.count(db))
        return self._view

    def _refill(self, slots: Slots, db: Connection, since: int, place: Position) -> None:
        """Put in what changed after so many changes; done twice, it does no harm."""
        if since == 0:
            slots.reserve(changes.count(db))
        elif place.removal > since:
            slots.clear(slots.not_of(changes.all_numbers(db)[:, 0]), place.changes)
        changed = changes.changed_since(db, since)
        while some := list(islice(changed, PROFILES)):
            if since:
                numbers = np.array([number for number, _, _ in some], np.int64)
                slots.clear(slots.of(numbers), place.changes)
            ours = {name: number for number, name, model in some if model == self.contents.model}
            if ours:
                self._put(slots, db, ours, place.changes)

    def _put(self, slots: Slots, db: Connection, numbers: dict[str, int], count: int) -> None:
        people = self._people(db, list(numbers))
        owners = np.array([numbers[name] for name in people.names], np.int64)
        owners = np.repeat(owners, np.diff(people.begins))
        missing = len(owners) - len(slots.free())
        if missing > 0:
            slots.reserve(slots.capacity + missing)
        slots.put(slots.free()[: len(owners)], owners, profile_terms(self.backend, people.sides), count)

    def _people(self, db: Connection, names: list[str]) -> People:
        return People.of((rows.read_profile(db, name) for name in names), self.backend, self.contents.scoring)

    def _dim(self, db: Connection) -> int | None:
        name = changes.any_of(db, self.contents.model)
        return None if name is None else self._people(db, [name]).sides.embeddings.shape[1]

    def _look(self, slots: Slots, name: str, place: Position, everybody: int) -> View:
        owners, stamps = slots.owners[: slots.used()].T
        empty = np.flatnonzero(owners == 0)
        speakers = len(owners) - len(empty)
        if self.contents.scoring == "best":
            speakers = len(np.unique(owners[owners != 0]))
        terms = None if self.backend.norm in (None, "t") else slots.terms[: len(owners)]
        table = Table(slots.rows[: len(owners)], terms, empty)
        largest = [0.0, 0.0] if terms is None else np.abs(terms).max(axis=0, initial=0).tolist()
        return View(name, place, table, owners, stamps, speakers, everybody - speakers, *largest)
