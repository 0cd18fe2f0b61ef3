"""Speakers as a probe is compared with them, and their order."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from speakertrip.backend import Backend, IsotonicCalibration, Sides
from speakertrip.backend.ranking import before_calibration
from speakertrip.enrollment.profiles.profile import Profile
from speakertrip.enrollment.store.tables.state import Scoring

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float32]
Ranked = list[tuple[str, float]]  # names and scores, best first


@dataclass(frozen=True, slots=True)
class People:
    """Some speakers, each of one side (by the mean of their utterances) or one for each utterance (by the best).

    Attributes:
        names: by which those of equal scores are ordered.
        sides: of all.
        begins: int64 ``(speakers + 1,)``, the first side of each, and the end.
    """

    names: tuple[str, ...]
    sides: Sides
    begins: IntArray

    @classmethod
    def of(
        cls, profiles: Iterable[Profile], backend: Backend, scoring: Scoring, per_profile: bool = False
    ) -> "People":
        """Take in profiles, at least one, by name; with their offsets, where scores are calibrated per profile."""
        some = sorted(profiles, key=lambda profile: profile.name)
        counts = [len(profile.enrollments) for profile in some]
        ends = np.cumsum([0, *counts])
        seconds = np.array([each.seconds for profile in some for each in profile.enrollments])
        raw = np.concatenate([profile.embeddings for profile in some])
        names = tuple(profile.name for profile in some)
        if scoring == "best":
            groups, begins = None, ends
        else:
            groups = [list(range(first, first + count)) for first, count in zip(ends, counts, strict=False)]
            begins = np.arange(len(some) + 1)
        sides = backend.sides(raw, groups, seconds)
        if per_profile:
            offsets = np.array([profile.score_offset for profile in some])
            sides = replace(sides, offsets=np.repeat(offsets, np.diff(begins)))
        return cls(names, sides, begins)

    def scores(self, backend: Backend, probes: Sides, speakers: IntArray, tests: IntArray) -> FloatArray:
        """Score pairs, each by the highest of the speaker's sides.

        Args:
            backend: that scores.
            probes: of ``Backend.sides``.
            speakers: ``(pairs,)``, at least one.
            tests: ``(pairs,)``, rows of the probes.

        Returns:
            float32 ``(pairs,)``.
        """
        counts = np.diff(self.begins)[speakers]
        firsts = np.cumsum(counts) - counts
        sides = np.repeat(self.begins[speakers] - firsts, counts) + np.arange(counts.sum())
        scores = backend.score(self.sides, probes, sides, np.repeat(tests, counts))
        return np.maximum.reduceat(scores, firsts)

    def ranked(self, backend: Backend, probes: Sides, chosen: Sequence[IntArray], top: int) -> list[Ranked]:
        """Order some of them for each probe by score, the higher of a speaker's sides.

        Those of equal scores, as within a step of an isotonic calibration, are ordered by the score before calibration,
        and then by name.

        Args:
            backend: that scores.
            probes: of ``Backend.sides``.
            chosen: for each probe the speakers that it is compared with, increasing, at least one.
            top: how many to return at most.
        """
        first = [self._sides_of(speakers) for speakers in chosen]
        second = np.repeat(np.arange(len(first)), [len(sides) for sides in first])
        every = np.concatenate(first), second
        scores = backend.score(self.sides, probes, *every)
        steps = isinstance(backend.calibration, IsotonicCalibration)
        finer = before_calibration(backend).score(self.sides, probes, *every) if steps else scores
        ends = np.cumsum([len(sides) for sides in first])[:-1]
        parts = zip(chosen, np.split(scores, ends), np.split(finer, ends), strict=True)
        return [self._best(speakers, some, ties, top) for speakers, some, ties in parts]

    def _sides_of(self, speakers: IntArray) -> IntArray:
        if len(self.begins) == len(self.sides.counts) + 1:  # one each
            return speakers
        return np.concatenate([np.arange(self.begins[row], self.begins[row + 1]) for row in speakers])

    def _best(self, speakers: IntArray, scores: FloatArray, finer: FloatArray, top: int) -> Ranked:
        counts = self.begins[speakers + 1] - self.begins[speakers]
        begins = np.cumsum(counts) - counts
        of_each, ties = np.maximum.reduceat(scores, begins), np.maximum.reduceat(finer, begins)
        order = np.lexsort((speakers, -ties, -of_each))[:top]
        return [(self.names[speakers[row]], float(of_each[row])) for row in order]
