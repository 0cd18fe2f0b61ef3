"""Do the recordings of one profile sound like one speaker?"""

import warnings

import numpy as np
import numpy.typing as npt

from speakertrip.backend import Backend
from speakertrip.enrollment.profiles.profile import Profile
from speakertrip.errors import SpeakertripWarning


def warn_of_odd_ones(profile: Profile, new: int, backend: Backend, threshold: float) -> None:
    """Name each of the last ``new`` utterances of a profile that does not sound like its others.

    Warns:
        SpeakertripWarning: for each of them.
    """
    seconds = np.array([enrollment.seconds for enrollment in profile.enrollments])
    for row in odd_ones(backend, threshold, profile.embeddings, seconds):
        if row >= len(profile.enrollments) - new:
            path = profile.enrollments[row].path
            text = f"{path} sounds unlike the other recordings of {profile.name}: is it the same speaker?"
            warnings.warn(text, SpeakertripWarning, stacklevel=3)


def odd_ones(
    backend: Backend, threshold: float, embeddings: npt.NDArray[np.float32], seconds: npt.NDArray[np.float64]
) -> list[int]:
    """Return the utterances of a speaker that would be rejected against all others together.

    One stranger may spoil all the others: where each would be rejected, only that of the lowest score is returned (of
    two, both).

    Args:
        backend: that scores.
        threshold: accept a score at or above it.
        embeddings: ``(utterances, dim)``, raw.
        seconds: ``(utterances,)``.

    Example:
        >>> voices = np.array([[1, 0], [0.9, 0.1], [1, 0.1], [-1, 0.2]], dtype=np.float32)
        >>> odd_ones(Backend(), 0.5, voices, np.ones(4))
        [3]
    """
    count = len(embeddings)
    if count < 2:
        return []
    everyone = np.arange(count)
    others = [[row for row in range(count) if row != left_out] for left_out in range(count)]
    scores = backend.score(
        backend.sides(embeddings, others, seconds),
        backend.sides(embeddings, None, seconds),
        everyone,
        everyone,
    )
    if count > 2 and (scores < threshold).all():
        return [int(scores.argmin())]
    return [int(row) for row in np.flatnonzero(scores < threshold)]
