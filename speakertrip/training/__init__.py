"""Training: one loop that reads from top to bottom, and the parts that it calls."""

from speakertrip.training.loop import train
from speakertrip.training.record import StepRecord

__all__ = ["StepRecord", "train"]
