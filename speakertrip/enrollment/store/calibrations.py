"""What a store keeps of its own calibration: one for each model, and an offset for each profile."""

from collections.abc import Mapping

from speakertrip.enrollment.store import changes
from speakertrip.enrollment.store.audit import Event, record
from speakertrip.enrollment.store.connection import Connection
from speakertrip.enrollment.store.database import Database

OFFSET = "UPDATE speakers SET score_offset = ? WHERE identifier = ? AND model = ? AND changed <= ?"


class Calibrations:
    """The calibrations of a store; what they hold is for the caller to read.

    Args:
        database: of the store.
    """

    def __init__(self, database: Database) -> None:
        self.database = database

    def read(self, model: str) -> str | None:
        """Return the calibration for a model; None where there is none, or no store yet."""
        if not self.database.exists():
            return None
        with self.database.reading() as db:
            row = db.execute("SELECT content FROM calibrations WHERE model = ?", (model,)).fetchone()
        return str(row[0]) if row else None

    def now(self) -> int:
        """Return how many changes the store, which exists, has had: ``write`` tells by it who changed since."""
        with self.database.reading() as db:
            return changes.position(db).changes

    def write(self, model: str, content: str, offsets: Mapping[str, float], since: int | None = None) -> None:
        """Keep a calibration in the place of an earlier one.

        Args:
            model: identity of the bundle.
            content: of the calibration.
            offsets: which the scores against a profile are less, by its identifier; 0 of those that are not named.
            since: how many changes there were before the profiles were read; one that changed since has no offset.

        Raises:
            StorageError: the store cannot be written.
        """
        with self.database.writing() as db:
            record(db, Event("calibrate", None, model))
            db.execute("INSERT OR REPLACE INTO calibrations (model, content) VALUES (?, ?)", (model, content))
            db.execute("UPDATE speakers SET score_offset = 0 WHERE model = ?", (model,))
            latest = changes.position(db).changes if since is None else since
            rows = [(offset, identifier, model, latest) for identifier, offset in offsets.items()]
            changes.note_offsets(db)
            db.executemany(OFFSET, rows)

    def clear(self, model: str) -> bool:
        """Forget the calibration for a model, and the offsets of its profiles; tell whether there was one.

        Raises:
            StorageError: the store cannot be written.
        """
        if not self.database.exists():
            return False
        with self.database.writing() as db:
            record(db, Event("uncalibrate", None, model))
            changes.note_offsets(db)
            found = db.execute("DELETE FROM calibrations WHERE model = ?", (model,)).rowcount
            db.execute("UPDATE speakers SET score_offset = 0 WHERE model = ?", (model,))
        return bool(found)


def forget_offset(db: Connection, speaker: int) -> None:
    """Forget the offset of a speaker whose profile changes: it was another profile's."""
    db.execute("UPDATE speakers SET score_offset = 0 WHERE id = ?", (speaker,))
