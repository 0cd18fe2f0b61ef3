"""How names, embeddings, paths and checksums stand in a store: as they are, or sealed."""

from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

Stored: TypeAlias = str | bytes


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stands. What is sealed for one place opens at no other.

    Attributes:
        field: "name", "embedding", "path" or "sha256".
        identifier: of the speaker.
        enrollment: row of the utterance; 0: none, the value is the speaker's.
    """

    field: str
    identifier: str
    enrollment: int = 0

    def to_bytes(self) -> bytes:
        """Return the place as bytes, which are those of no other."""
        return f"{self.field}/{self.enrollment}/{self.identifier}".encode()


class DamagedError(ValueError):
    """A sealed value does not open: its bytes are others, or it was sealed for another place.

    Args:
        place: where it stands.
    """

    def __init__(self, place: Place) -> None:
        super().__init__(f"The {place.field} does not open.")
        self.place = place


class Cipher(Protocol):
    """What turns values into those that stand in the file, and back."""

    def lookup(self, name: str) -> Stored:
        """Return what a speaker of this name (NFC) is found by."""

    def seal(self, value: Stored, place: Place) -> Stored:
        """Return what is to stand at a place."""

    def open_text(self, stored: Any, place: Place) -> str:
        """Return the text that stands at a place.

        Raises:
            DamagedError: it was not sealed for it.
        """

    def open_bytes(self, stored: Any, place: Place) -> bytes:
        """Return the bytes that stand at a place.

        Raises:
            DamagedError: they were not sealed for it.
        """


class PlainCipher:
    """Values as they are."""

    def lookup(self, name: str) -> Stored:
        """Return the name."""
        return name

    def seal(self, value: Stored, place: Place) -> Stored:
        """Return the value."""
        return value

    def open_text(self, stored: Any, place: Place) -> str:
        """Return the text.

        Raises:
            DamagedError: it is none.
        """
        if not isinstance(stored, str):
            raise DamagedError(place)
        return stored

    def open_bytes(self, stored: Any, place: Place) -> bytes:
        """Return the bytes."""
        data: bytes = stored
        return data


PLAIN = PlainCipher()
