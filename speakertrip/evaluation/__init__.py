"""Trial list to report."""

from speakertrip.evaluation.checks import check_trials, speakers_of
from speakertrip.evaluation.report import Report, report
from speakertrip.evaluation.scoring import evaluate, score_trials

__all__ = ["Report", "check_trials", "evaluate", "report", "score_trials", "speakers_of"]
