"""Training: one loop that reads from top to bottom, and the parts that it calls."""

from speakertrip.training.loop import train
from speakertrip.training.processes import process_group
from speakertrip.training.record import StepRecord

__all__ = ["StepRecord", "process_group", "train"]
