"""From embeddings to scores to decisions."""

from speakertrip.backend.cosine import mean_of_units, pair_scores, unit_rows
from speakertrip.backend.decision import Decision, decide

__all__ = ["Decision", "decide", "mean_of_units", "pair_scores", "unit_rows"]
