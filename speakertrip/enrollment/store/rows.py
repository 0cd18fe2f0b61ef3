"""A profile as rows of the store's tables, and back."""

import secrets
import sqlite3
from collections.abc import Sequence
from typing import Any

import numpy as np

from speakertrip.enrollment.encryption import values
from speakertrip.enrollment.encryption.cipher import Cipher, DamagedError
from speakertrip.enrollment.profiles.profile import Enrollment, Profile, Summary, are_vectors
from speakertrip.enrollment.store import changes
from speakertrip.enrollment.store.connection import Connection
from speakertrip.errors import StoreError

SPEAKER = """
INSERT INTO speakers (name, lookup, model, identifier, created)
VALUES (?, ?, ?, ?, coalesce(nullif(?, ''), CURRENT_TIMESTAMP))
"""
ENROLLMENT = """
INSERT INTO enrollments (id, speaker, embedding, path, sha256, seconds, speech_seconds, snr_db, clipped, created)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, coalesce(?, CURRENT_TIMESTAMP))
"""
ENROLLMENTS = """
SELECT id, embedding, path, sha256, seconds, speech_seconds, snr_db, clipped, created FROM enrollments
WHERE speaker = ? ORDER BY id
"""
SUMMARIES = """
SELECT identifier, name, total(typeof(seconds) <> 'real'), model, count(*), sum(seconds), speakers.created
FROM speakers JOIN enrollments ON speaker = speakers.id GROUP BY speakers.id
"""
IDENTIFIER_BYTES = 16


def find(db: Connection, name: str) -> tuple[int, str] | None:
    """Return a speaker's row number and model; None if there is no such speaker."""
    found: tuple[int, str] | None = db.execute(
        "SELECT id, model FROM speakers WHERE lookup = ?", (db.cipher.lookup(name),)
    ).fetchone()
    return found


def identifier_of(db: sqlite3.Connection, speaker: int) -> str:
    """Return the identifier of a speaker, who is there."""
    identifier: str = db.execute("SELECT identifier FROM speakers WHERE id = ?", (speaker,)).fetchone()[0]
    return identifier


def insert_speaker(db: Connection, name: str, model: str, identifier: str = "", created: str = "") -> int:
    """Add a speaker and return its row number; what is not given is drawn, and now."""
    taken = db.execute("SELECT 1 FROM speakers WHERE identifier = ?", (identifier,)).fetchone()
    if taken or not identifier:
        identifier = secrets.token_hex(IDENTIFIER_BYTES)
    names = values.seal_name(db.cipher, name, identifier)
    row = db.execute(SPEAKER, (*names, model, identifier, created)).lastrowid
    assert row is not None, "a row that was inserted has a number"
    return row


def insert_enrollments(db: Connection, speaker: int, enrollments: Sequence[Enrollment]) -> None:
    """Add utterances to a speaker."""
    identifier = identifier_of(db, speaker)
    (first,) = db.execute("SELECT coalesce(max(id), 0) + 1 FROM enrollments").fetchone()
    for row, each in enumerate(enrollments, first):  # a sealed value is bound to its row: the number is said
        # A file's name may hold bytes that are not UTF-8, which SQLite would refuse.
        path = each.path.encode("utf-8", "backslashreplace").decode("utf-8")
        embedding = np.ascontiguousarray(each.embedding, dtype="<f4").tobytes()
        sealed = values.seal_enrollment(db.cipher, identifier, row, embedding, path, each.sha256)
        quality = each.seconds, each.speech_seconds, each.snr_db, each.clipped
        db.execute(ENROLLMENT, (row, speaker, *sealed, *quality, each.created))
    changes.note(db, speaker)


def rename(db: Connection, speaker: int, name: str) -> None:
    """Give a speaker another name."""
    names = values.seal_name(db.cipher, name, identifier_of(db, speaker))
    db.execute("UPDATE speakers SET name = ?, lookup = ? WHERE id = ?", (*names, speaker))
    changes.note(db, speaker)
    expect_erasure(db)


def forget(db: Connection, speaker: int) -> None:
    """Remove a speaker and everything that was kept of them."""
    db.execute("DELETE FROM speakers WHERE id = ?", (speaker,))
    changes.note_removal(db)
    expect_erasure(db)


def expect_erasure(db: Connection) -> None:
    """Have the next opening erase what this transaction removes, should this process not come to it.

    The value is drawn anew, so that an erasure which began before does not take this one for its own.
    """
    db.execute("UPDATE facts SET value = random() | 1 WHERE name = 'erasure_pending'")


def read_profile(db: Connection, name: str) -> Profile:
    """Return the profile of a speaker, who is there.

    Raises:
        StoreError: something of it is damaged.
    """
    query = "SELECT id, name, model, identifier, created, score_offset FROM speakers WHERE lookup = ?"
    row = db.execute(query, (db.cipher.lookup(name),)).fetchone()
    speaker, stored, model, identifier, created, offset = row
    rows = db.execute(ENROLLMENTS, (speaker,))
    try:
        values.check_name(db.cipher, name, stored, identifier)
        enrollments = tuple(_enrollment(db.cipher, identifier, *row) for row in rows)
        profile = Profile(name, model, enrollments, identifier, created, offset)
        sound = are_vectors(profile.embeddings) and _are_typed(profile)
    except DamagedError as error:
        raise values.damaged(error, name) from None
    except (TypeError, ValueError):  # no enrollment, no bytes, or vectors of different sizes
        sound = False
    if not sound:
        raise _damaged(name)
    return profile


def size_of(db: Connection, model: str) -> int | None:
    """Return how many numbers the embeddings of a model have; None where nobody is enrolled with it."""
    name = changes.any_of(db, model)
    return None if name is None else read_profile(db, name).embeddings.shape[1]


def read_names(db: Connection) -> list[str]:
    """Return the names of all speakers, sorted.

    Raises:
        StoreError: one is damaged.
    """
    rows = db.execute("SELECT name, identifier FROM speakers")
    return sorted(values.open_name(db.cipher, stored, identifier) for stored, identifier in rows)


def read_summaries(db: Connection) -> list[Summary]:
    """Return what there is of each speaker, by name.

    Raises:
        StoreError: a name is damaged, or something else that is told.
    """
    summaries = []
    for identifier, stored, untyped, *facts in db.execute(SUMMARIES):
        summary = Summary(values.open_name(db.cipher, stored, identifier), *facts)
        if untyped or not (isinstance(summary.model, str) and isinstance(summary.created, str)):
            raise _damaged(summary.name)
        summaries.append(summary)
    return sorted(summaries, key=lambda summary: summary.name)


def _enrollment(cipher: Cipher, identifier: str, row: int, *stored: Any) -> Enrollment:
    """Return the utterance that stands in a row of ``ENROLLMENTS``."""
    embedding, path, sha256 = values.open_enrollment(cipher, identifier, row, *stored[:3])
    return Enrollment(np.frombuffer(embedding, dtype="<f4"), path, sha256, *stored[3:])


def _are_typed(profile: Profile) -> bool:
    """Tell whether all that is read is of its type: SQLite keeps anything in any column."""
    texts: list[object] = [profile.model, profile.identifier, profile.created]
    numbers: list[object] = [profile.score_offset]
    for each in profile.enrollments:
        texts += [each.sha256, each.created]
        numbers.append(each.seconds)
        measures = (each.speech_seconds, each.snr_db, each.clipped)
        numbers += [number for number in measures if number is not None]
    return all(isinstance(text, str) for text in texts) and all(
        isinstance(number, float) for number in numbers
    )


def _damaged(name: str) -> StoreError:
    return StoreError(f"The enrollments of {name} are damaged; enroll again by --replace.")
