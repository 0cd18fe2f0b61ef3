"""How trials are scored and decided on."""

from dataclasses import dataclass

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
    """

    backend: Backend
    threshold: Threshold
    per_profile: bool = False

    def decide(self, score: float) -> Decision:
        """Hold a score of the backend against the threshold."""
        return decide(score, self.threshold.value, self.backend.calibration is not None)
