"""A store that is encrypted, or is so no more."""

from speakertrip.enrollment.encryption import marking, values
from speakertrip.enrollment.encryption.cipher import PLAIN, Cipher, DamagedError
from speakertrip.enrollment.encryption.keys import check_key
from speakertrip.enrollment.store import audit, rows
from speakertrip.enrollment.store.connection import Connection
from speakertrip.enrollment.store.database import Database
from speakertrip.errors import StoreError
from speakertrip.manifests.lines import FilePath


def encrypt_store(path: FilePath, key: bytes) -> bool:
    """Seal all names, embeddings, paths and checksums of a store in place, and erase them as they stood before.

    One transaction, and the erasure that ``SpeakerStore.remove`` does.

    Args:
        path: of a store that is not encrypted.
        key: 32 random bytes; without it, nobody reads the store again.

    Returns:
        Whether nothing is left in clear in any file of the store. False: another process reads the store as it was;
        the next opening erases it.

    Raises:
        StoreError: there is no store, it is encrypted already, or something in it is damaged, or the key is none.
        UsageError: cryptography is not installed.
        StorageError: the store cannot be written.
    """
    database = Database(path)
    check_key(key)
    _require(database)
    try:
        with database.writing() as db:
            _convert(db, marking.begin(db, key))
            audit.record(db, audit.Event("encrypt"))
    except marking.NoKeyError:
        raise StoreError(f"{database.path} is encrypted already; another key needs decrypt first.") from None
    return database.erase()


def decrypt_store(path: FilePath, key: bytes) -> bool:
    """Let all values of a store stand in clear, in place: the inverse of ``encrypt_store``.

    Args:
        path: of an encrypted store.
        key: its own.

    Returns:
        Whether nothing of it as it was before is left in any file; see ``encrypt_store``.

    Raises:
        StoreError: there is no store, it is not encrypted, the key is another, or something in it is damaged.
        UsageError: cryptography is not installed.
        StorageError: the store cannot be written.
    """
    database = Database(path, check_key(key))
    _require(database)
    with database.writing() as db:
        _convert(db, PLAIN)
        marking.end(db)
        audit.record(db, audit.Event("decrypt"))
    return database.erase()


def _require(database: Database) -> None:
    if not database.exists():
        raise StoreError(f"There is no store {database.path}; enroll a speaker first, or name another file.")


def _convert(db: Connection, cipher: Cipher) -> None:
    enrollments = "SELECT id, embedding, path, sha256 FROM enrollments WHERE speaker = ?"
    for speaker, stored, identifier in db.execute("SELECT id, name, identifier FROM speakers").fetchall():
        name = values.open_name(db.cipher, stored, identifier)
        names = values.seal_name(cipher, name, identifier)
        db.execute("UPDATE speakers SET name = ?, lookup = ? WHERE id = ?", (*names, speaker))
        for row, *sealed in db.execute(enrollments, (speaker,)).fetchall():
            try:
                clear = values.open_enrollment(db.cipher, identifier, row, *sealed)
            except DamagedError as error:
                raise values.damaged(error, name) from None
            anew = values.seal_enrollment(cipher, identifier, row, *clear)
            db.execute(
                "UPDATE enrollments SET embedding = ?, path = ?, sha256 = ? WHERE id = ?", (*anew, row)
            )
    rows.expect_erasure(db)
