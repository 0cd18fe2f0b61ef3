"""A decision in words."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from speakertrip.backend import Decision


def reason(decision: "Decision") -> str:
    """Say the score, what it means, and what it was held against."""
    from speakertrip.backend import in_words

    name, words = ("score", "") if decision.llr is None else ("LLR", f": {in_words(decision.llr)}")
    return f"{name} {decision.score:.4f}{words}, threshold {decision.threshold:.4f}"
