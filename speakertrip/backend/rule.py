"""How trials are scored and decided on."""

from dataclasses import dataclass, replace

from speakertrip.backend.decision import Decision, decide
from speakertrip.backend.operating_point import Threshold
from speakertrip.backend.pipeline import Backend


@dataclass(frozen=True, slots=True)
class DecisionRule:
    """A backend, and the threshold of its scores: a bundle's, or those that a store was calibrated to.

    Attributes:
        backend: that scores.
        threshold: of the operating point, and how often it is expected to err.
        per_profile: whether enrolled speakers have offsets of their own, by which ``Sides`` are scored.
        best: whether the best of several scores is decided on, of which no error rates are known.
    """

    backend: Backend
    threshold: Threshold
    per_profile: bool = False
    best: bool = False

    def of_best(self) -> "DecisionRule":
        """Return the rule for the best of several scores: with the same threshold, which then errs in another way.

        The rates were counted on single scores. The best of several strangers' scores lies higher.
        """
        return replace(self, threshold=Threshold(self.threshold.value), best=True)

    def decide(self, score: float) -> Decision:
        """Hold a score of the backend against the threshold."""
        return decide(score, self.threshold.value, self.backend.calibration is not None)
