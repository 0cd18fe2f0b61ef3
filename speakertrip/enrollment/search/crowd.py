"""All enrolled speakers at once: who of them is it, if any?"""

import warnings
from dataclasses import dataclass

from speakertrip.backend import Decision, DecisionRule, Sides
from speakertrip.enrollment.search.search import SearchOptions, make_search
from speakertrip.enrollment.store.store import SpeakerStore
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
    """The speakers of a store, ready to be searched, exactly, while others enroll and remove.

    Candidates are ordered by score; those of equal scores by the score before calibration, then by name.

    Args:
        store: of the speakers; those of another model are left out.
        model: identity of the bundle that probes are embedded by.
        rule: how probes are scored and decided on.
        options: how it is searched.

    Raises:
        StoreError: nobody is enrolled with this model, or there is no store.

    Warns:
        SpeakertripWarning: some were enrolled with another.
    """

    def __init__(
        self,
        store: SpeakerStore,
        model: str,
        rule: DecisionRule,
        options: SearchOptions | None = None,
    ) -> None:
        store.require()
        self.rule = rule
        self.way = make_search(store.database, model, rule, options or SearchOptions())
        ours, others = self.way.counts()
        _require_somebody(ours, others)
        if others:
            text = f"{counted(others, 'speaker')} enrolled with another model cannot be compared, and are left out."
            warnings.warn(text, SpeakertripWarning, stacklevel=3)

    def search(self, probe: Sides, top: int = 3) -> Identification:
        """Compare a probe with everybody.

        Args:
            probe: one side.
            top: candidates to return; where fewer are enrolled, all of them.

        Raises:
            StoreError: nobody is enrolled with this model any more.
        """
        return self.search_all(probe.only(0), top)[0]

    def search_all(self, probes: Sides, top: int = 3) -> list[Identification]:
        """Compare probes with everybody, faster than one after the other.

        Args:
            probes: any number of sides.
            top: candidates to return for each.

        Raises:
            StoreError: nobody is enrolled with this model any more.
        """
        if not len(probes.counts):
            return []
        found = self.way.search(probes, top)
        _require_somebody(found.speakers, found.others)
        return [
            Identification(
                tuple(Candidate(name, self.rule.decide(score)) for name, score in ranked), found.speakers
            )
            for ranked in found.ranked
        ]


def _require_somebody(ours: int, others: int) -> None:
    if not ours:
        rest = f", though {counted(others, 'speaker')} with another" if others else ""
        raise StoreError(f"Nobody is enrolled with this model{rest}; enroll a speaker first.")
