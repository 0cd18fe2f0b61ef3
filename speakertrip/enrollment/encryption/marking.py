"""How a file says that it is encrypted, and tells another key from damage."""

import hashlib
import os
import sqlite3
from pathlib import Path

from speakertrip.enrollment.encryption.cipher import PLAIN, Cipher, DamagedError, Place
from speakertrip.enrollment.encryption.sealed import SALT_BYTES, SealedCipher
from speakertrip.errors import StoreError

CHECK, CHECK_PLACE = b"speakertrip", Place("key check", "")


class NoKeyError(StoreError):
    """An encrypted file is opened without a key."""


def begin(db: sqlite3.Connection, key: bytes) -> SealedCipher:
    """Say in a file that it is encrypted from now on, under a fresh salt, and return the cipher."""
    salt = os.urandom(SALT_BYTES)
    cipher = SealedCipher(key, salt)
    check = cipher.seal(CHECK, CHECK_PLACE)
    db.execute("INSERT INTO encryption VALUES (1, ?, ?, ?)", (salt, check, _checksum(salt, check)))
    return cipher


def end(db: sqlite3.Connection) -> None:
    """Say in a file that it is not encrypted any more."""
    db.execute("DELETE FROM encryption")


def cipher_of(db: sqlite3.Connection, key: bytes | None, path: Path) -> Cipher:
    """Return what opens the values of a file.

    Raises:
        StoreError: it is encrypted and there is no key, or is not and there is one, or the key is another, or what
            the key is checked by is damaged.
    """
    row = db.execute("SELECT salt, key_check, checksum FROM encryption").fetchone()
    if row is None:
        if key is not None:
            raise StoreError(
                f"{path} is not encrypted; leave the key out, or encrypt it by speakertrip speakers encrypt."
            )
        return PLAIN
    if key is None:
        raise NoKeyError(f"{path} is encrypted; give its key by --key-file or SPEAKERTRIP_KEY (key=).")
    salt, check, checksum = row
    try:
        cipher = SealedCipher(key, salt)
        if cipher.open_bytes(check, CHECK_PLACE) == CHECK:
            return cipher
    except (DamagedError, TypeError):
        pass
    # The checksum is no secret: it only tells by whom the check cannot be opened.
    if all(isinstance(each, bytes) for each in (salt, check)) and checksum == _checksum(salt, check):
        raise StoreError(f"{path} was encrypted with another key: this is the wrong key.")
    raise StoreError(f"{path} is damaged, where it keeps the check of its key; restore a copy of the file.")


def _checksum(salt: bytes, check: bytes) -> bytes:
    return hashlib.sha256(salt + check).digest()
