"""How a claim is scored and decided on."""

from dataclasses import dataclass

import numpy as np

from speakertrip.backend import Backend, Decision, Sides, Threshold, decide

ONLY = np.zeros(1, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Scoring:
    """A backend, and the threshold of its scores: the bundle's, or those that the store was calibrated to.

    Attributes:
        backend: that scores.
        threshold: of the operating point, and how often it is expected to err.
    """

    backend: Backend
    threshold: Threshold

    def decide(self, score: float) -> Decision:
        """Hold a score of the backend against the threshold."""
        return decide(score, self.threshold.value, self.backend.calibration is not None)


@dataclass(frozen=True, slots=True)
class Claim:
    """A claimed speaker, whom probes are compared with.

    Attributes:
        speaker: one side.
        scoring: how.
        identifier: of the speaker's profile; None: of somebody who is not enrolled.
    """

    speaker: Sides
    scoring: Scoring
    identifier: str | None = None

    def decide(self, probe: Sides) -> Decision:
        """Compare a probe, one side."""
        return self.scoring.decide(float(self.scoring.backend.score(self.speaker, probe, ONLY, ONLY)[0]))
