"""All enrolled speakers at once: who of them is it, if any?"""

import warnings
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from speakertrip.backend import Backend, Decision, Sides, decide
from speakertrip.enrollment.profile import Profile
from speakertrip.errors import SpeakertripWarning, StoreError, counted


@dataclass(frozen=True, slots=True)
class Candidate:
    """An enrolled speaker, and what was decided about a probe.

    Attributes:
        name: who.
        decision: whether the probe is this speaker's, by the operating point of one comparison.
    """

    name: str
    decision: Decision


@dataclass(frozen=True, slots=True)
class Identification:
    """Whose voice a probe may be.

    Attributes:
        candidates: those of the highest scores, best first.
        profiles: how many were compared.
    """

    candidates: tuple[Candidate, ...]
    profiles: int

    @property
    def name(self) -> str | None:
        """The best candidate's, if it is accepted; None: nobody."""
        best = self.candidates[0]
        return best.name if best.decision.accepted else None


class Crowd:
    """The speakers of a store, ready to be searched: exact, one comparison with each.

    Args:
        profiles: of the store; those of another model are left out.
        model: identity of the bundle that probes are embedded by.
        backend: that scores.
        threshold: accept a score at or above it.

    Raises:
        StoreError: nobody is enrolled with this model.

    Warns:
        SpeakertripWarning: some were enrolled with another.
    """

    def __init__(self, profiles: Iterable[Profile], model: str, backend: Backend, threshold: float) -> None:
        everybody = list(profiles)
        ours = [profile for profile in everybody if profile.model == model]
        others = len(everybody) - len(ours)
        if not ours:
            rest = f", though {counted(others, 'speaker')} with another" if others else ""
            raise StoreError(f"Nobody is enrolled with this model{rest}; enroll a speaker first.")
        if others:
            text = f"{counted(others, 'speaker')} enrolled with another model cannot be compared, and are left out."
            warnings.warn(text, SpeakertripWarning, stacklevel=3)
        ends = np.cumsum([0, *(len(profile.enrollments) for profile in ours)])
        groups = [list(range(first, last)) for first, last in pairwise(ends)]
        seconds = np.array([each.seconds for profile in ours for each in profile.enrollments])
        self.names = [profile.name for profile in ours]
        sides = backend.sides(np.concatenate([profile.embeddings for profile in ours]), groups, seconds)
        self.sides = replace(sides, offsets=np.array([profile.score_offset for profile in ours]))
        self.backend, self.threshold = backend, threshold

    def search(self, probe: Sides, top: int = 3) -> Identification:
        """Compare a probe with everybody.

        Args:
            probe: one side.
            top: candidates to return; where fewer are enrolled, all of them.
        """
        rows = np.arange(len(self.names))
        scores = self.backend.score(self.sides, probe, rows, np.zeros_like(rows))
        best = np.argsort(-scores, kind="stable")[:top]
        calibrated = self.backend.calibration is not None
        candidates = [
            Candidate(self.names[row], decide(scores[row], self.threshold, calibrated)) for row in best
        ]
        return Identification(tuple(candidates), len(rows))
