"""Where the utterances of each session of each speaker are: three arrays instead of a million lists."""

from collections import defaultdict
from collections.abc import Sequence
from itertools import count

import numpy as np
import numpy.typing as npt

from speakertrip.errors import TrainingError

IntArray = npt.NDArray[np.int64]


class Layout:
    """The utterances in the order of speakers and their sessions, with the place where each of these begins.

    A session belongs to one speaker: two speakers who name theirs alike have two. An utterance whose session
    is unknown is a session of its own.

    Args:
        speakers: for each utterance, its speaker's label, ``0 .. S-1``, each label at least once.
        sessions: for each utterance, its session (None: unknown).

    Raises:
        TrainingError: the lists differ in length, or a label is negative or has no utterance.

    Attributes:
        utterances: ``(utterances,)``, positions in the two lists.
        session_start: ``(sessions + 1,)``, where in ``utterances`` each session begins.
        speaker_start: ``(S + 1,)``, where in ``session_start`` each speaker begins.

    Example:
        >>> layout = Layout([1, 0, 1, 1], ["a", "a", "b", "a"])
        >>> layout.utterances, layout.session_start, layout.speaker_start
        (array([1, 0, 3, 2]), array([0, 1, 3, 4]), array([0, 1, 3]))
    """

    def __init__(self, speakers: Sequence[int], sessions: Sequence[str | None]) -> None:
        if len(speakers) != len(sessions):
            raise TrainingError(
                f"There are {len(speakers)} utterances but {len(sessions)} sessions; give one for each, or None."
            )
        labels = np.asarray(speakers, dtype=np.int64)
        if len(labels) and labels.min() < 0:
            raise TrainingError(f"Speaker {labels.min()} is negative; number the speakers from 0.")
        counts = np.bincount(labels)
        if not counts.all():
            raise TrainingError(
                f"Speaker {counts.argmin()} has no utterance; number the speakers from 0 without a gap."
            )
        # First by speaker: their few session names then stay in the cache, whatever the order of the list.
        order = np.argsort(labels, kind="stable")
        labels = labels[order]
        numbers = _session_numbers(np.array(sessions, dtype=np.object_)[order].tolist())
        key = labels * (2 * len(labels) + 1) + numbers
        within = np.argsort(key, kind="stable")
        begins = np.flatnonzero(np.diff(key[within], prepend=-1))
        self.utterances: IntArray = order[within]
        self.session_start: IntArray = np.append(begins, len(labels))
        self.speaker_start: IntArray = np.searchsorted(labels[begins], np.arange(len(counts) + 1))

    @property
    def utterance_counts(self) -> IntArray:
        """Of each speaker, ``(S,)``."""
        return np.diff(self.session_start[self.speaker_start])

    def first_utterances(self) -> IntArray:
        """Return the position of the first listed utterance of each speaker, ``(S,)``."""
        begins = self.session_start[self.speaker_start]
        return np.minimum.reduceat(self.utterances, begins[:-1])


def number(names: Sequence[str | None]) -> IntArray:
    """Number the names in the order in which they first come: one pass, where sorting strings takes many.

    Example:
        >>> number(["b", None, "a", "b"])
        array([0, 1, 2, 0])
    """
    numbers = defaultdict[str | None, int](count().__next__)
    return np.fromiter(map(numbers.__getitem__, names), np.int64, len(names))


def _session_numbers(sessions: Sequence[str | None]) -> IntArray:
    """Give each named session a number below the count of utterances, and each unknown one its own above."""
    numbers = number(sessions)
    if None not in sessions:
        return numbers
    unknown = numbers == numbers[sessions.index(None)]
    return np.where(unknown, len(sessions) + np.arange(len(sessions)), numbers)
