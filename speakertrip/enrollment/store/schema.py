"""The tables of a store, and how those of an older version become them."""

import sqlite3
from pathlib import Path

from speakertrip.errors import StoreError

APPLICATION_ID = 0x5350_5452  # "SPTR", in the file's header
# What brings a file from the version before to this one. Entries stay as they were published: files of their
# version exist.
MIGRATIONS = {
    1: """
CREATE TABLE speakers (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    model TEXT NOT NULL,
    created TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE TABLE enrollments (
    id INTEGER PRIMARY KEY,
    speaker INTEGER NOT NULL REFERENCES speakers (id) ON DELETE CASCADE,
    embedding BLOB NOT NULL,
    path TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    seconds REAL NOT NULL,
    created TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE INDEX enrollments_of_speaker ON enrollments (speaker);
""",
    2: """
ALTER TABLE speakers ADD COLUMN identifier TEXT NOT NULL DEFAULT '';
UPDATE speakers SET identifier = lower(hex(randomblob(16)));
CREATE UNIQUE INDEX speakers_by_identifier ON speakers (identifier);
ALTER TABLE enrollments ADD COLUMN speech_seconds REAL;
ALTER TABLE enrollments ADD COLUMN snr_db REAL;
ALTER TABLE enrollments ADD COLUMN clipped REAL;
CREATE TABLE facts (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO facts VALUES ('erasure_pending', 1);
""",
    # lookup: what a speaker is found by, the name or, in an encrypted file, its HMAC. encryption: no row, or one.
    3: """
ALTER TABLE speakers ADD COLUMN lookup BLOB;
UPDATE speakers SET lookup = name;
CREATE UNIQUE INDEX speakers_by_lookup ON speakers (lookup);
CREATE TABLE encryption (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    salt BLOB NOT NULL,
    key_check BLOB NOT NULL,
    checksum BLOB NOT NULL
);
CREATE TABLE events (
    id INTEGER PRIMARY KEY,
    time TEXT NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now')),
    action TEXT NOT NULL,
    profile TEXT,
    model TEXT,
    score REAL,
    llr REAL,
    threshold REAL,
    accepted INTEGER
);
INSERT INTO facts VALUES ('audit', 0);
""",
    4: """
ALTER TABLE speakers ADD COLUMN changed INTEGER NOT NULL DEFAULT 1;
CREATE INDEX speakers_by_change ON speakers (changed);
INSERT INTO facts VALUES ('changes', 1);
INSERT INTO facts VALUES ('removal', 0);
INSERT INTO facts VALUES ('origin', 0);
""",
    5: """
CREATE TABLE calibrations (
    model TEXT PRIMARY KEY,
    content TEXT NOT NULL,
    created TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
) WITHOUT ROWID;
ALTER TABLE speakers ADD COLUMN score_offset REAL NOT NULL DEFAULT 0;
""",
}
VERSION = max(MIGRATIONS)


def version_of(db: sqlite3.Connection, path: Path) -> int:
    """Return the version of a file's tables; 0 where it has none.

    Raises:
        StoreError: it is of another program, or of a newer version of this one.
    """
    version: int = db.execute("PRAGMA user_version").fetchone()[0]
    application = db.execute("PRAGMA application_id").fetchone()[0]
    if version == 0 and application == 0 and not db.execute("SELECT 1 FROM sqlite_master").fetchone():
        return 0
    if application != APPLICATION_ID:
        raise StoreError(f"{path} is a database of another program, not a store of speakers.")
    if version > VERSION:
        raise StoreError(f"{path} was written by a newer speakertrip (schema {version}); update to read it.")
    return version


def migrate(db: sqlite3.Connection, path: Path) -> None:
    """Bring a file to the present version, within the transaction that is open.

    Raises:
        StoreError: see ``version_of``.
    """
    for version in range(version_of(db, path) + 1, VERSION + 1):
        # Not executescript, which would end the transaction.
        for statement in filter(str.strip, MIGRATIONS[version].split(";")):
            db.execute(statement)
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute(f"PRAGMA user_version = {version}")
