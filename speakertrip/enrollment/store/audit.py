"""The audit log of a store: what was done with whose profile, when, and what was decided."""

import sqlite3
from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from speakertrip.backend import Decision
from speakertrip.enrollment.store.connection import Connection
from speakertrip.enrollment.store.database import Database
from speakertrip.errors import StorageError

RECORD = """
INSERT INTO events (action, profile, model, score, llr, threshold, accepted)
SELECT ?, ?, ?, ?, ?, ?, ? WHERE (SELECT value FROM facts WHERE name = 'audit')
"""
EVENTS = """
SELECT action, profile, model, score, llr, threshold, accepted, time FROM events WHERE time >= ? ORDER BY id
"""


@dataclass(frozen=True, slots=True)
class Event:
    """One entry of the log. There is no name in it, no audio, and nothing of an embedding.

    Attributes:
        action: "enroll", "add", "replace", "re-enroll", "import", "rename", "remove", "export", "verify", "identify",
            "calibrate", "uncalibrate", "encrypt", "decrypt", "audit on" or "audit off".
        profile: the random identifier of the speaker's profile; None: the store's, or nobody was identified.
        model: identity of the bundle.
        score: of a decision; None: there was none, likewise below.
        llr: natural-log likelihood ratio; None also where the score is not calibrated.
        threshold: that the score was held against.
        accepted: what was decided.
        time: UTC, with milliseconds, as the store says; None: not recorded yet.
    """

    action: str
    profile: str | None = None
    model: str | None = None
    score: float | None = None
    llr: float | None = None
    threshold: float | None = None
    accepted: bool | None = None
    time: str | None = None


def record(db: sqlite3.Connection, event: Event) -> None:
    """Write an event within a transaction, if the log is on."""
    values = event.score, event.llr, event.threshold, event.accepted
    db.execute(RECORD, (event.action, event.profile, event.model, *values))


class AuditLog:
    """The log of one store, which is off until it is switched on.

    While it is on, what cannot be recorded is not done: in a file that can only be read, verification fails. It tells
    an honest owner what was done, and is no proof against one who may write the file.

    Args:
        database: of the store.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def is_on(self) -> bool:
        """Tell whether events are recorded.

        Raises:
            StoreError: it is no store, or the key does not fit.
        """
        if not self._database.exists():
            return False
        with self._database.reading() as db:
            return _is_on(db)

    def switch(self, on: bool) -> None:
        """Begin or end to record, which is recorded; what was recorded stays. A store that is not there is made.

        Raises:
            StoreError: it is no store, or the key does not fit.
            StorageError: it cannot be written.
        """
        with self._database.writing() as db:
            if on != _is_on(db):
                record(
                    db, Event("audit off")
                )  # before it is, and the other after: nothing is recorded while it is
                db.execute("UPDATE facts SET value = ? WHERE name = 'audit'", (on,))
                record(db, Event("audit on"))

    def events(self, since: str = "") -> list[Event]:
        """Return what was recorded, oldest first.

        Args:
            since: UTC, as ``YYYY-MM-DD HH:MM:SS``, or a beginning of that.

        Raises:
            StoreError: it is no store, or the key does not fit.
        """
        if not self._database.exists():
            return []
        with self._database.reading() as db:
            return [_event(*row) for row in db.execute(EVENTS, (since,))]

    def decided(self, action: str, profile: str | None, model: str, decision: Decision) -> None:
        """Record a decision, if the log is on; if it is off, the store is not opened for writing.

        Args:
            action: "verify" or "identify".
            profile: identifier of whom it is about; None: nobody.
            model: identity of the bundle.
            decision: what was decided.

        Raises:
            StorageError: the log is on and the store cannot be written.
        """
        self.all_decided(action, model, [(profile, decision)])

    def all_decided(self, action: str, model: str, decisions: Iterable[tuple[str | None, Decision]]) -> None:
        """Record decisions about profiles at once; see ``decided``."""
        if not self.is_on():
            return
        try:
            with self._database.writing() as db:
                for profile, each in decisions:
                    values = each.score, each.llr, each.threshold, each.accepted
                    record(db, Event(action, profile, model, *values))
        except StorageError as error:
            why = str(error).rstrip(".")
            raise StorageError(
                f"{why}, so that its audit log, which is on, cannot keep a decision; "
                "let the store be written, or switch the log off."
            ) from None

    def handing_out(self) -> AbstractContextManager[Connection]:
        """Open the store to read from it what is to be recorded: for writing, if the log is on."""
        return self._database.writing() if self.is_on() else self._database.reading()


def _is_on(db: sqlite3.Connection) -> bool:
    return bool(db.execute("SELECT value FROM facts WHERE name = 'audit'").fetchone()[0])


def _event(
    action: str,
    profile: str | None,
    model: str | None,
    score: float | None,
    llr: float | None,
    threshold: float | None,
    accepted: int | None,
    time: str,
) -> Event:
    decided = None if accepted is None else bool(accepted)
    return Event(action, profile, model, score, llr, threshold, decided, time)
