"""What the store keeps of a speaker."""

import unicodedata
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from speakertrip.errors import UsageError

MAX_NAME = 200  # characters


@dataclass(frozen=True, slots=True)
class Enrollment:
    """One enrolled utterance.

    Attributes:
        embedding: float32 ``(dim,)``, as the encoder gave it.
        path: the audio file, absolute, or the name of what was no file; for the record.
        sha256: of the file, in hexadecimal.
        seconds: length of the audio.
    """

    embedding: npt.NDArray[np.float32]
    path: str
    sha256: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Profile:
    """A speaker and all enrolled utterances of theirs.

    Attributes:
        name: who.
        model: identity of the bundle that made the embeddings.
        enrollments: at least one.
    """

    name: str
    model: str
    enrollments: tuple[Enrollment, ...]

    @property
    def embeddings(self) -> npt.NDArray[np.float32]:
        """All embeddings, ``(utterances, dim)``."""
        return np.stack([enrollment.embedding for enrollment in self.enrollments])


def check_name(name: str) -> str:
    r"""Return a speaker's name in Unicode's composed form (NFC), so that equal names are equal bytes.

    Raises:
        UsageError: it is empty, longer than 200 characters, or holds control characters.

    >>> check_name("Zoe\u0308") == "Zo\u00eb"
    True
    """
    composed = unicodedata.normalize("NFC", name).strip()
    if not composed or len(composed) > MAX_NAME:
        raise UsageError(f"A speaker's name has 1 to {MAX_NAME} characters, this one has {len(composed)}.")
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in composed):
        raise UsageError(f"A speaker's name holds no control characters: {composed!r}.")
    return composed
