"""What changed in a store since when: a counter, and its value at each speaker's last change."""

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

import numpy as np
import numpy.typing as npt

NEXT = "UPDATE facts SET value = value + 1 WHERE name = 'changes'"
# Drawn at the first change: what is not of this version yet, and read from a copy, has none.
DRAW = "UPDATE facts SET value = random() | 1 WHERE name = 'origin' AND value = 0"
NOW = "(SELECT value FROM facts WHERE name = 'changes')"


@dataclass(frozen=True, slots=True)
class Position:
    """How far the history of a store has come.

    Attributes:
        origin: drawn at random for each store; 0: this version has changed nothing in it yet.
        changes: how many changes there were.
        removal: the number of the last that removed a speaker; 0: none did.
    """

    origin: int
    changes: int
    removal: int


def position(db: sqlite3.Connection) -> Position:
    """Return how far the store is that is open; the same twice: nothing was changed meanwhile."""
    facts = dict(db.execute("SELECT name, value FROM facts WHERE name IN ('origin', 'changes', 'removal')"))
    return Position(**facts)


def note(db: sqlite3.Connection, speaker: int) -> None:
    """Note that a speaker's profile or name changes in this transaction."""
    db.execute(NEXT)
    db.execute(DRAW)
    db.execute(f"UPDATE speakers SET changed = {NOW} WHERE id = ?", (speaker,))


def note_removal(db: sqlite3.Connection) -> None:
    """Note that a speaker is removed in this transaction; the row number may become another's."""
    db.execute(NEXT)
    db.execute(DRAW)
    db.execute(f"UPDATE facts SET value = {NOW} WHERE name = 'removal'")


def changed_since(db: sqlite3.Connection, changes: int) -> Iterator[tuple[int, str, str]]:
    """Yield row number, name and model of each speaker that changed after so many changes."""
    query = "SELECT id, name, model FROM speakers WHERE changed > ? ORDER BY id"
    return iter(db.execute(query, (changes,)))


def all_numbers(db: sqlite3.Connection) -> npt.NDArray[np.int64]:
    """Return ``(speakers, 2)``: the row number of each, and the count of changes at the last of theirs."""
    numbers = chain.from_iterable(db.execute("SELECT id, changed FROM speakers"))
    return np.fromiter(numbers, np.int64).reshape(-1, 2)


def count(db: sqlite3.Connection) -> int:
    """Return how many speakers there are."""
    found: int = db.execute("SELECT count(*) FROM speakers").fetchone()[0]
    return found


def any_of(db: sqlite3.Connection, model: str) -> str | None:
    """Return the name of a speaker of a model; None where there is none."""
    found = db.execute("SELECT name FROM speakers WHERE model = ? LIMIT 1", (model,)).fetchone()
    return found[0] if found else None


def names_of(db: sqlite3.Connection, numbers: Iterable[int], model: str) -> dict[int, str]:
    """Return the names of those speakers of a model that are there, by row number."""
    query = "SELECT name FROM speakers WHERE id = ? AND model = ?"
    found = ((number, db.execute(query, (number, model)).fetchone()) for number in numbers)
    return {number: name[0] for number, name in found if name}
