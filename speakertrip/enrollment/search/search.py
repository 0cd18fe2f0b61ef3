"""One speaker among all: by comparing with everybody, or, among a million, with those that a matrix nominates."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from speakertrip.backend import DecisionRule, Sides
from speakertrip.backend.ranking import Terms, probe_terms, ranks_by_product
from speakertrip.enrollment.search.matrix import Matrix, View
from speakertrip.enrollment.search.nominees import nominees
from speakertrip.enrollment.search.people import People, Ranked
from speakertrip.enrollment.store import changes, rows
from speakertrip.enrollment.store.changes import Position
from speakertrip.enrollment.store.connection import Connection
from speakertrip.enrollment.store.database import Database
from speakertrip.enrollment.store.tables.state import Scoring
from speakertrip.errors import UsageError

IntArray = npt.NDArray[np.int64]
ATTEMPTS = 3  # to search while others enroll, before they are made to wait


@dataclass(frozen=True, slots=True)
class SearchOptions:
    """How a store is searched.

    Attributes:
        scoring: by the "mean" of a speaker's utterances, or by the "best" of them.
        on_disk: whether files may be kept beside the store, so that the next search need not read all of it.
        approximate: whether an index may nominate speakers, faster among a million; it may miss one.
    """

    scoring: Scoring = "mean"
    on_disk: bool = True
    approximate: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found.

    Attributes:
        ranked: for each probe the best speakers and their scores, as ``People.ranked`` orders them.
        speakers: how many there are of the model.
        others: how many of other models, who were left out.
    """

    ranked: list[Ranked]
    speakers: int
    others: int


class Search(Protocol):
    """A way to search a store, which may change meanwhile: what is answered was so at one moment."""

    def counts(self) -> tuple[int, int]:
        """Return how many speakers there are of the model, and of others."""

    def search(self, probes: Sides, top: int) -> Found:
        """Find the ``top`` best speakers for each probe."""


def make_search(database: Database, model: str, rule: DecisionRule, options: SearchOptions) -> Search:
    """Return the fastest way that gives the ranking of ``Backend.score`` over everybody.

    Args:
        database: of the store.
        model: identity of the bundle that probes are embedded by.
        rule: its backend scores.
        options: see there.

    Raises:
        UsageError: an approximate search is wanted, and the extra ``search`` is not installed, or the backend has none.
    """
    backend = rule.backend
    if rule.per_profile or not ranks_by_product(backend):
        if options.approximate:
            raise UsageError(
                "PLDA, quality measures and offsets of profiles cannot be searched approximately; leave out "
                "--approximate (approximate=)."
            )
        return EverybodySearch(database, model, rule, options.scoring)
    on_disk = options.on_disk and not database.encrypted  # its rows would stand there in clear
    matrix = Matrix(database, model, backend, options.scoring, on_disk)
    if options.approximate:
        from speakertrip.enrollment.search.index import ApproximateSearch

        return ApproximateSearch(matrix)
    return NominatedSearch(matrix)


class EverybodySearch:
    """Each probe is compared with everybody; the profiles are read anew when the store has changed."""

    def __init__(self, database: Database, model: str, rule: DecisionRule, scoring: Scoring) -> None:
        self.database, self.model, self.rule, self.scoring = database, model, rule, scoring
        self._read: tuple[Position, People | None, int] | None = None

    def counts(self) -> tuple[int, int]:
        """Return how many speakers there are of the model, and of others."""
        people, others = self._everybody()
        return len(people.names) if people else 0, others

    def search(self, probes: Sides, top: int) -> Found:
        """Find the ``top`` best speakers for each probe."""
        people, others = self._everybody()
        if people is None:
            return Found([], 0, others)
        everybody = np.arange(len(people.names))
        found = [
            people.ranked(self.rule.backend, probe, [everybody], top)[0]
            for probe in map(probes.only, range(len(probes.counts)))
        ]
        return Found(found, len(everybody), others)

    def _everybody(self) -> tuple[People | None, int]:
        with self.database.reading() as db:
            place = changes.position(db)
            if self._read is None or self._read[0] != place:
                models = {name: model for _, name, model in changes.changed_since(db, 0)}
                ours = [rows.read_profile(db, name) for name, model in models.items() if model == self.model]
                options = self.rule.backend, self.scoring, self.rule.per_profile
                people = People.of(ours, *options) if ours else None
                self._read = place, people, len(models) - len(ours)
            return self._read[1:]


class NominatedSearch:
    """A matrix nominates those who may be the best; the backend scores them from the store.

    Where others enroll at the same time, the search is done again; if they go on, they wait for it.
    """

    def __init__(self, matrix: Matrix) -> None:
        self.matrix = matrix

    def counts(self) -> tuple[int, int]:
        """Return how many speakers there are of the model, and of others."""
        view = self.matrix.view()
        return view.speakers, view.others

    def search(self, probes: Sides, top: int) -> Found:
        """Find the ``top`` best speakers for each probe."""
        terms = probe_terms(self.matrix.backend, probes)
        for _ in range(ATTEMPTS):
            view = self.matrix.view()
            chosen = self.nominate(view, terms, top)
            with self.matrix.database.reading() as db:
                if changes.position(db) == view.position:
                    found, whole = self._answer(db, view, chosen, probes, top)
                    if whole:
                        return found
                    self.matrix.forget()
        with self.matrix.holding() as (db, view):
            return self._answer(db, view, self.nominate(view, terms, top), probes, top)[0]

    def nominate(self, view: View, probes: Terms, top: int) -> list[IntArray]:
        """Return, for each probe, the row numbers of all speakers who may be among the best."""
        return nominees(view, probes, top)

    def _answer(
        self, db: Connection, view: View, chosen: list[IntArray], probes: Sides, top: int
    ) -> tuple[Found, bool]:
        """Return what the backend says of those chosen, and whether all of them are there."""
        model, backend = self.matrix.contents.model, self.matrix.backend
        numbers = np.unique(np.concatenate(chosen)).tolist() if chosen else []
        names = changes.names_of(db, numbers, model)
        if not names:
            return Found([], view.speakers, view.others), not numbers
        profiles = [rows.read_profile(db, name) for name in names.values()]
        people = People.of(profiles, backend, self.matrix.contents.scoring)
        places = {name: place for place, name in enumerate(people.names)}
        present = [[places[names[number]] for number in each.tolist() if number in names] for each in chosen]
        ranked = people.ranked(backend, probes, [np.array(sorted(each), np.int64) for each in present], top)
        return Found(ranked, view.speakers, view.others), len(names) == len(numbers)
