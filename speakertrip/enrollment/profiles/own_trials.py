"""Trials among enrolled speakers: what a store knows of its own voices and recordings, to calibrate by."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from speakertrip.backend import Backend, Sides
from speakertrip.enrollment.profiles.profile import Profile

NONTARGETS = 200_000  # at most, drawn among all
FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class OwnTrials:
    """Trials among the enrolled utterances, scored.

    Attributes:
        scores: float32 ``(trials,)``, higher for the same speaker.
        targets: bool ``(trials,)``.
        enrollments: ``(trials,)``, row of the profile that each is compared with.
        tests: ``(trials,)``, row of the profile that the other utterance belongs to.
    """

    scores: FloatArray
    targets: npt.NDArray[np.bool_]
    enrollments: IntArray
    tests: IntArray


def score_own_trials(
    profiles: Sequence[Profile], backend: Backend, seed: int = 0, nontargets: int = NONTARGETS
) -> OwnTrials:
    """Compare each utterance with the others of its speaker, and with the profiles of all other speakers.

    A profile never meets an utterance that is a part of it. Speakers of one utterance give nontarget trials only.

    Args:
        profiles: of one model, in a fixed order.
        backend: that scores.
        seed: of the draw of nontarget trials, where there are more than are wanted.
        nontargets: at most so many.

    Raises:
        ValueError: no speaker has two utterances, or there is but one speaker.

    Example:
        >>> from speakertrip.enrollment import Enrollment
        >>> def profile(name, *rows):
        ...     return Profile(name, "m", tuple(Enrollment(np.float32(row), "", "", 1.0) for row in rows))
        >>> found = score_own_trials([profile("a", [1, 0], [1, 0.1]), profile("b", [0, 1])], Backend())
        >>> found.targets, found.scores.round(2)
        (array([ True,  True, False, False, False]), array([1.  , 1.  , 0.  , 0.1 , 0.05], dtype=float32))
    """
    ends = np.cumsum([0, *(len(profile.enrollments) for profile in profiles)])
    groups = [list(range(first, last)) for first, last in pairwise(ends)]
    owner = np.repeat(np.arange(len(profiles)), np.diff(ends))
    with_others = np.flatnonzero(np.diff(ends)[owner] > 1)
    if not len(with_others) or len(profiles) < 2:
        raise ValueError(
            "trials among enrolled speakers need a speaker of two utterances, and another speaker"
        )
    embeddings = np.concatenate([profile.embeddings for profile in profiles])
    seconds = np.array([each.seconds for profile in profiles for each in profile.enrollments])
    utterances = backend.sides(embeddings, None, seconds)
    rest = [[row for row in groups[owner[left_out]] if row != left_out] for left_out in with_others]
    on_targets = _score(backend, backend.sides(embeddings, rest, seconds), utterances, with_others)
    first, second = _draw(owner, len(profiles), seed, nontargets)
    on_nontargets = backend.score(backend.sides(embeddings, groups, seconds), utterances, first, second)
    return OwnTrials(
        np.concatenate([on_targets, on_nontargets]),
        np.repeat([True, False], [len(with_others), len(first)]),
        np.concatenate([owner[with_others], first]),
        np.concatenate([owner[with_others], owner[second]]),
    )


def _score(backend: Backend, sides: Sides, utterances: Sides, rows: IntArray) -> FloatArray:
    return backend.score(sides, utterances, np.arange(len(rows)), rows)


def _draw(owner: IntArray, profiles: int, seed: int, most: int) -> tuple[IntArray, IntArray]:
    """Return profiles and utterances of other speakers: all such pairs, or as many as are wanted."""
    # A pair is a number: the utterance times the count of other profiles, plus which of these.
    pairs = len(owner) * (profiles - 1)
    if pairs <= most:
        chosen = np.arange(pairs)
    else:
        chosen = np.sort(np.random.default_rng(seed).choice(pairs, most, replace=False))
    second, first = np.divmod(chosen, profiles - 1)
    return first + (first >= owner[second]), second
