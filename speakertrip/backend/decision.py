"""The decision: accept when the score is at or above the threshold."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided about a trial, and why.

    Attributes:
        score: higher for the same speaker.
        threshold: of the bundle.
        accepted: whether the score reached the threshold.
    """

    score: float
    threshold: float
    accepted: bool


def decide(score: float, threshold: float) -> Decision:
    """Compare a score with a threshold.

    >>> decide(0.5, 0.5).accepted
    True
    """
    return Decision(float(score), float(threshold), bool(score >= threshold))
