"""What changed in a store since when: a counter, and its value at each speaker's last change."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

import numpy as np
import numpy.typing as npt

from speakertrip.enrollment.encryption import values
from speakertrip.enrollment.store.connection import Connection

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


def position(db: Connection) -> Position:
    """Return how far the store is that is open; the same twice: nothing was changed meanwhile."""
    facts = dict(db.execute("SELECT name, value FROM facts WHERE name IN ('origin', 'changes', 'removal')"))
    return Position(**facts)


def note(db: Connection, speaker: int) -> None:
    """Note that a speaker's profile or name changes in this transaction."""
    db.execute(NEXT)
    db.execute(DRAW)
    db.execute(f"UPDATE speakers SET changed = {NOW} WHERE id = ?", (speaker,))


def note_removal(db: Connection) -> None:
    """Note that a speaker is removed in this transaction; the row number may become another's."""
    db.execute(NEXT)
    db.execute(DRAW)
    db.execute(f"UPDATE facts SET value = {NOW} WHERE name = 'removal'")


def note_offsets(db: Connection) -> None:
    """Note that the offsets of profiles change in this transaction; their embeddings do not."""
    db.execute(NEXT)
    db.execute(DRAW)


def changed_since(db: Connection, changes: int) -> Iterator[tuple[int, str, str]]:
    """Yield row number, name and model of each speaker that changed after so many changes."""
    query = "SELECT id, name, identifier, model FROM speakers WHERE changed > ? ORDER BY id"
    for number, stored, identifier, model in db.execute(query, (changes,)):
        yield number, values.open_name(db.cipher, stored, identifier), model


def all_numbers(db: Connection) -> npt.NDArray[np.int64]:
    """Return ``(speakers, 2)``: the row number of each, and the count of changes at the last of theirs."""
    numbers = chain.from_iterable(db.execute("SELECT id, changed FROM speakers"))
    return np.fromiter(numbers, np.int64).reshape(-1, 2)


def count(db: Connection) -> int:
    """Return how many speakers there are."""
    found: int = db.execute("SELECT count(*) FROM speakers").fetchone()[0]
    return found


def any_of(db: Connection, model: str) -> str | None:
    """Return the name of a speaker of a model; None where there is none."""
    found = db.execute("SELECT name, identifier FROM speakers WHERE model = ? LIMIT 1", (model,)).fetchone()
    return values.open_name(db.cipher, *found) if found else None


def names_of(db: Connection, numbers: Iterable[int], model: str) -> dict[int, str]:
    """Return the names of those speakers of a model that are there, by row number."""
    query = "SELECT name, identifier FROM speakers WHERE id = ? AND model = ?"
    found = ((number, db.execute(query, (number, model)).fetchone()) for number in numbers)
    return {number: values.open_name(db.cipher, *stored) for number, stored in found if stored}
