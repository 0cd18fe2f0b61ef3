"""The decision: accept when the score is at or above the threshold; and what a likelihood ratio says."""

import math
from dataclasses import dataclass

MANY = 1e6  # a ratio beyond which its digits mean nothing


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided about a trial, and why.

    Attributes:
        score: higher for the same speaker.
        threshold: of the operating point.
        accepted: whether the score reached the threshold.
        calibrated: whether the score is a natural-log likelihood ratio.
    """

    score: float
    threshold: float
    accepted: bool
    calibrated: bool = False

    @property
    def llr(self) -> float | None:
        """The natural-log likelihood ratio; None if the score is none."""
        return self.score if self.calibrated else None


def decide(score: float, threshold: float, calibrated: bool = False) -> Decision:
    """Compare a score with a threshold.

    >>> decide(0.5, 0.5).accepted
    True
    """
    score, threshold = float(score), float(threshold)  # NumPy would round the threshold to a score of float32
    return Decision(score, threshold, score >= threshold, calibrated)


def in_words(llr: float) -> str:
    """Say what a natural-log likelihood ratio means: how likely the score is, not who spoke.

    >>> in_words(3.0)
    '20 times as likely from the same speaker as from another'
    >>> in_words(-0.5)
    '1.6 times as likely from another speaker as from the same'
    """
    times = math.exp(min(abs(llr), math.log(MANY)))
    amount = "a million or more" if abs(llr) >= math.log(MANY) else f"{times:,.{0 if times >= 9.5 else 1}f}"
    one, other = ("the same speaker", "another") if llr >= 0 else ("another speaker", "the same")
    return f"{amount} times as likely from {one} as from {other}"
