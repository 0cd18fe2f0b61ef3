"""A profile as rows of the store's tables, and back."""

import sqlite3
from collections.abc import Iterator, Sequence

import numpy as np

from speakertrip.enrollment import changes
from speakertrip.enrollment.profile import Enrollment, Profile, Summary
from speakertrip.errors import StoreError

SPEAKER = """
INSERT INTO speakers (name, model, identifier, created)
VALUES (?, ?, coalesce(nullif(?, ''), lower(hex(randomblob(16)))), coalesce(nullif(?, ''), CURRENT_TIMESTAMP))
"""
ENROLLMENT = """
INSERT INTO enrollments (speaker, embedding, path, sha256, seconds, speech_seconds, snr_db, clipped, created)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, coalesce(?, CURRENT_TIMESTAMP))
"""
ENROLLMENTS = """
SELECT embedding, path, sha256, seconds, speech_seconds, snr_db, clipped, created FROM enrollments
WHERE speaker = ? ORDER BY id
"""
SUMMARIES = """
SELECT name, model, count(*), sum(seconds), speakers.created FROM speakers JOIN enrollments ON speaker = speakers.id
GROUP BY speakers.id ORDER BY name
"""


def find(db: sqlite3.Connection, name: str) -> tuple[int, str] | None:
    """Return a speaker's row number and model; None if there is no such speaker."""
    found: tuple[int, str] | None = db.execute(
        "SELECT id, model FROM speakers WHERE name = ?", (name,)
    ).fetchone()
    return found


def insert_speaker(
    db: sqlite3.Connection, name: str, model: str, identifier: str = "", created: str = ""
) -> int:
    """Add a speaker and return its row number; what is not given is drawn, and now."""
    taken = db.execute("SELECT 1 FROM speakers WHERE identifier = ?", (identifier,)).fetchone()
    row = db.execute(SPEAKER, (name, model, "" if taken else identifier, created)).lastrowid
    assert row is not None, "a row that was inserted has a number"
    return row


def insert_enrollments(db: sqlite3.Connection, speaker: int, enrollments: Sequence[Enrollment]) -> None:
    """Add utterances to a speaker."""
    db.executemany(ENROLLMENT, [(speaker, *_to_row(each)) for each in enrollments])
    changes.note(db, speaker)


def forget(db: sqlite3.Connection, speaker: int) -> None:
    """Remove a speaker and everything that was kept of them."""
    db.execute("DELETE FROM speakers WHERE id = ?", (speaker,))
    changes.note_removal(db)
    expect_erasure(db)


def expect_erasure(db: sqlite3.Connection) -> None:
    """Have the next opening erase what this transaction removes, should this process not come to it."""
    db.execute("UPDATE facts SET value = 1 WHERE name = 'erasure_pending'")


def read_profile(db: sqlite3.Connection, name: str) -> Profile:
    """Return the profile of a speaker, who is there.

    Raises:
        StoreError: its embeddings are damaged.
    """
    query = "SELECT id, model, identifier, created FROM speakers WHERE name = ?"
    speaker, model, *facts = db.execute(query, (name,)).fetchone()
    rows = db.execute(ENROLLMENTS, (speaker,))
    try:
        enrollments = tuple(Enrollment(np.frombuffer(blob, dtype="<f4"), *rest) for blob, *rest in rows)
        profile = Profile(name, model, enrollments, *facts)
        sound = bool(np.isfinite(profile.embeddings).all())
    except (TypeError, ValueError):  # no enrollment, no bytes, or vectors of different sizes
        sound = False
    if not sound:
        raise StoreError(f"The enrollments of {name} are damaged; enroll again by --replace.")
    return profile


def read_names(db: sqlite3.Connection) -> list[str]:
    """Return the names of all speakers, sorted."""
    return [name for (name,) in db.execute("SELECT name FROM speakers ORDER BY name")]


def read_summaries(db: sqlite3.Connection) -> Iterator[Summary]:
    """Yield what there is of each speaker, by name."""
    return (Summary(*row) for row in db.execute(SUMMARIES))


def _to_row(enrollment: Enrollment) -> tuple[object, ...]:
    # A file's name may hold bytes that are not UTF-8, which SQLite would refuse.
    path = enrollment.path.encode("utf-8", "backslashreplace").decode("utf-8")
    embedding = np.ascontiguousarray(enrollment.embedding, dtype="<f4").tobytes()
    quality = enrollment.speech_seconds, enrollment.snr_db, enrollment.clipped
    return embedding, path, enrollment.sha256, enrollment.seconds, *quality, enrollment.created
