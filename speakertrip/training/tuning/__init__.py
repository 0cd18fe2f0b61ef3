"""Tune: which margin, hard share, batch shape and learning rate, judged on speakers held out of training."""

from speakertrip.training.tuning.records import TrialRecord
from speakertrip.training.tuning.report import Findings
from speakertrip.training.tuning.search import Plan, tune

__all__ = ["Findings", "Plan", "TrialRecord", "tune"]
