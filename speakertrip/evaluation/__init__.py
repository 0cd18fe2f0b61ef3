"""Trial list to report."""

from speakertrip.evaluation.calibrating import calibrate_scores
from speakertrip.evaluation.checks import check_trials, speakers_of
from speakertrip.evaluation.compare import Comparison, compare, plot_both
from speakertrip.evaluation.conditions import ConditionReport, Side, report_conditions, sides_of
from speakertrip.evaluation.fitting import BackendRecipe, fit_backend
from speakertrip.evaluation.folder import write_report
from speakertrip.evaluation.report import P_TARGETS, Report, report
from speakertrip.evaluation.scoring import evaluate, score_trials

__all__ = [
    "P_TARGETS",
    "BackendRecipe",
    "Comparison",
    "ConditionReport",
    "Report",
    "Side",
    "calibrate_scores",
    "check_trials",
    "compare",
    "evaluate",
    "fit_backend",
    "plot_both",
    "report",
    "report_conditions",
    "score_trials",
    "sides_of",
    "speakers_of",
    "write_report",
]
