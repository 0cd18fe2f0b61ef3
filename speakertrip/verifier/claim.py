"""A claimed speaker, whom probes are compared with."""

from dataclasses import dataclass

import numpy as np

from speakertrip.backend import Decision, DecisionRule, Sides


@dataclass(frozen=True, slots=True)
class Claim:
    """A claimed speaker, whom probes are compared with.

    Attributes:
        speaker: one side, or one for each utterance, of which the highest score counts.
        rule: how it is decided.
        speech_seconds: how much speech the utterance with the most of it holds.
        identifier: of the speaker's profile; None: of somebody who is not enrolled.
    """

    speaker: Sides
    rule: DecisionRule
    speech_seconds: float
    identifier: str | None = None

    def decide(self, probe: Sides) -> Decision:
        """Compare a probe, one side."""
        sides = np.arange(len(self.speaker.counts))
        scores = self.rule.backend.score(self.speaker, probe, sides, np.zeros_like(sides))
        return self.rule.decide(float(scores.max()))
