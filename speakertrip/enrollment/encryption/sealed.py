"""Values that are sealed by AES-256-GCM. Needs cryptography (the extra ``encryption``)."""

import hmac
import os
from typing import Any

from speakertrip.enrollment.encryption.cipher import DamagedError, Place, Stored
from speakertrip.errors import UsageError

SALT_BYTES, NONCE_BYTES = 32, 12


class SealedCipher:
    """Values under a key: nobody without it reads one, changes one unnoticed, or moves one elsewhere.

    From the key and the salt, which is the store's own, come two keys (HKDF, RFC 5869, SHA-256): by one, names become
    what they are found by (HMAC-SHA-256); by the other, values are sealed (AES-256-GCM, NIST SP 800-38D), each under a
    fresh random nonce of 96 bits, which stands before it, with its place as associated data.

    Under one key, random nonces are safe for 2^32 values (SP 800-38D, 8.3).

    Args:
        key: 32 random bytes.
        salt: 32 random bytes of the store.

    Raises:
        UsageError: cryptography is not installed.
    """

    def __init__(self, key: bytes, salt: bytes) -> None:
        try:
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM
        except ModuleNotFoundError:
            raise UsageError(
                "An encrypted store needs cryptography: install the encryption extra, speakertrip[encryption]."
            ) from None
        self._lookup_key = _derive(key, salt, b"speakertrip store: lookup of names")
        self._aead = AESGCM(_derive(key, salt, b"speakertrip store: sealing of values"))

    def lookup(self, name: str) -> Stored:
        """Return the HMAC of a name."""
        return hmac.digest(self._lookup_key, name.encode(), "sha256")

    def seal(self, value: Stored, place: Place) -> bytes:
        """Return nonce, ciphertext and tag: 28 bytes more than the value."""
        data = value.encode() if isinstance(value, str) else value
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._aead.encrypt(nonce, data, place.to_bytes())

    def open_text(self, stored: Any, place: Place) -> str:
        """Return the text that was sealed for a place.

        Raises:
            DamagedError: it was not.
        """
        return self.open_bytes(stored, place).decode()

    def open_bytes(self, stored: Any, place: Place) -> bytes:
        """Return the bytes that were sealed for a place.

        Raises:
            DamagedError: they were not.
        """
        from cryptography.exceptions import InvalidTag

        try:
            return self._aead.decrypt(stored[:NONCE_BYTES], stored[NONCE_BYTES:], place.to_bytes())
        except (InvalidTag, TypeError, ValueError):  # other bytes; no bytes; too few
            raise DamagedError(place) from None


def _derive(key: bytes, salt: bytes, purpose: bytes) -> bytes:
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return HKDF(SHA256(), 32, salt, purpose).derive(key)
