"""What the store keeps of a speaker."""

import unicodedata
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from speakertrip.errors import UsageError

MAX_NAME = 200  # characters
JOINERS = "\u200c\u200d"
UNSEEN = ("Cf", "Zl", "Zp")  # categories: format characters, and separators of lines and paragraphs
SHORTEST = 1e-15  # of an embedding; its square, and that of the inverse, are float32 with room for sums


@dataclass(frozen=True, slots=True)
class Enrollment:
    """One enrolled utterance.

    Attributes:
        embedding: float32 ``(dim,)``, as the encoder gave it.
        path: the audio file, absolute, or a part of one, as ``Origin`` writes it, or the name of what was no file.
        sha256: of the file, in hexadecimal; of a stretch of it, see ``Origin.sha256``.
        seconds: length of the audio.
        speech_seconds: how much of it is speech; None: enrolled before that was kept.
        snr_db: of speech over noise, in dB; None: likewise, or it has no pauses.
        clipped: share of samples, 0 to 1; None: likewise.
        created: when, UTC, as the store says; None: not stored yet.
    """

    embedding: npt.NDArray[np.float32]
    path: str
    sha256: str
    seconds: float
    speech_seconds: float | None = None
    snr_db: float | None = None
    clipped: float | None = None
    created: str | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    """A speaker and all enrolled utterances of theirs.

    Attributes:
        name: who.
        model: identity of the bundle that made the embeddings.
        enrollments: at least one.
        identifier: 32 hexadecimal digits drawn at random, which say nothing of the name; kept when it changes.
        created: when first enrolled, UTC.
        score_offset: which scores against this profile are less, of a store that is calibrated per profile; it goes
            with this store's calibration and with these enrollments, and is not exported.
    """

    name: str
    model: str
    enrollments: tuple[Enrollment, ...]
    identifier: str = ""
    created: str = ""
    score_offset: float = 0.0

    @property
    def embeddings(self) -> npt.NDArray[np.float32]:
        """All embeddings, ``(utterances, dim)``."""
        return np.stack([enrollment.embedding for enrollment in self.enrollments])


@dataclass(frozen=True, slots=True)
class Summary:
    """What there is of an enrolled speaker, without the embeddings.

    Attributes:
        name: who.
        model: identity of the bundle that made the embeddings.
        utterances: how many.
        seconds: of audio, in all.
        created: when first enrolled, UTC.
    """

    name: str
    model: str
    utterances: int
    seconds: float
    created: str


def are_vectors(embeddings: npt.NDArray[np.float32]) -> bool:
    """Tell whether embeddings can be compared: none is so near 0, or so large, that its length is no float32.

    >>> are_vectors(np.float32([[1, 0]])), are_vectors(np.float32([[0, 0]])), are_vectors(np.float32([[1e38, 0]]))
    (True, False, False)
    """
    lengths = np.linalg.norm(embeddings.astype(np.float64), axis=1)  # of one that is not finite, neither
    return bool(embeddings.size and ((lengths > SHORTEST) & (lengths < 1 / SHORTEST)).all())


def check_name(name: str) -> str:
    r"""Return a name to enroll a speaker by in Unicode's composed form (NFC), so that equal names are equal bytes.

    Raises:
        UsageError: it is as ``known_name`` refuses, or holds what cannot be seen or turns the text around: format
            characters, but for joiners (U+200C, U+200D) between others, separators of lines, and noncharacters.

    >>> check_name("Zoe\u0308") == "Zo\u00eb"
    True
    """
    composed = known_name(name)
    if any(_is_unseen(composed, place) for place in range(len(composed))):
        raise UsageError(f"A speaker's name holds no characters that cannot be seen: {composed!a}.")
    return composed


def known_name(name: str) -> str:
    """Return a name in Unicode's composed form, to find a speaker by: one enrolled long ago may be refused today.

    Raises:
        UsageError: it is empty, longer than 200 characters, no UTF-8 text, or holds control characters.
    """
    composed = unicodedata.normalize("NFC", name).strip()
    if not composed or len(composed) > MAX_NAME:
        raise UsageError(f"A speaker's name has 1 to {MAX_NAME} characters, this one has {len(composed)}.")
    categories = set(map(unicodedata.category, composed))
    if "Cs" in categories:
        raise UsageError(f"A speaker's name is UTF-8 text, and this is not: {composed!r}.")
    if "Cc" in categories:
        raise UsageError(f"A speaker's name holds no control characters: {composed!r}.")
    return composed


def _is_unseen(name: str, place: int) -> bool:
    character = name[place]
    if character in JOINERS:  # Persian, Indic and emoji are written with them
        around = name[place - 1 : place] + name[place + 1 : place + 2]
        return len(around) < 2 or any(unicodedata.category(each) in UNSEEN for each in around)
    point = ord(character)
    nobodys = point & 0xFFFE == 0xFFFE or 0xFDD0 <= point <= 0xFDEF  # Unicode 16.0, 23.7: noncharacters
    return nobodys or unicodedata.category(character) in UNSEEN
