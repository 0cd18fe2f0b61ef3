"""The values of a speaker that an encrypted store seals: which they are, and to what each is bound."""

from typing import TypeAlias

from speakertrip.enrollment.encryption.cipher import Cipher, DamagedError, Place, Stored
from speakertrip.errors import StoreError

EnrollmentValues: TypeAlias = tuple[Stored, Stored, Stored]


def seal_name(cipher: Cipher, name: str, identifier: str) -> tuple[Stored, Stored]:
    """Return how a name stands, and what it is found by."""
    return cipher.seal(name, Place("name", identifier)), cipher.lookup(name)


def open_name(cipher: Cipher, stored: object, identifier: str) -> str:
    """Return a speaker's name.

    Raises:
        StoreError: it is damaged.
    """
    try:
        return cipher.open_text(stored, Place("name", identifier))
    except DamagedError as error:
        raise damaged(error, f"the speaker with the identifier {identifier}") from None


def check_name(cipher: Cipher, name: str, stored: object, identifier: str) -> None:
    """Check that a row which was found by a name is that speaker's.

    Raises:
        DamagedError: it is damaged, or is found by what belongs to another.
    """
    place = Place("name", identifier)
    if cipher.open_text(stored, place) != name:
        raise DamagedError(place)


def seal_enrollment(
    cipher: Cipher, identifier: str, row: int, embedding: Stored, path: Stored, sha256: Stored
) -> EnrollmentValues:
    """Return how embedding, path and checksum of an utterance stand in a row of the speaker's."""
    return (
        cipher.seal(embedding, Place("embedding", identifier, row)),
        cipher.seal(path, Place("path", identifier, row)),
        cipher.seal(sha256, Place("sha256", identifier, row)),
    )


def open_enrollment(
    cipher: Cipher, identifier: str, row: int, embedding: object, path: object, sha256: object
) -> tuple[bytes, str, str]:
    """Return embedding, path and checksum of an utterance.

    Raises:
        DamagedError: one is damaged, or was sealed for another row or speaker.
    """
    return (
        cipher.open_bytes(embedding, Place("embedding", identifier, row)),
        cipher.open_text(path, Place("path", identifier, row)),
        cipher.open_text(sha256, Place("sha256", identifier, row)),
    )


def damaged(error: DamagedError, whose: str) -> StoreError:
    """Return the sentence about a value that does not open."""
    what = f"{error.place.field} of {'an utterance of ' if error.place.enrollment else ''}{whose}"
    return StoreError(
        f"The {what} is damaged, or was moved there from elsewhere; enroll again by --replace, or restore a copy."
    )
