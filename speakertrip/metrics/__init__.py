"""Error rates from scores: fractions, never percent. Higher scores mean "same speaker"; accept at >= threshold."""

from speakertrip.metrics.bootstrap import MIN_SPEAKERS, eer_interval
from speakertrip.metrics.det import DetCurve, det_curve
from speakertrip.metrics.error_rates import convex_hull_eer, equal_error_rate, min_dcf, threshold_at_eer
from speakertrip.metrics.speakers import speaker_groups

__all__ = [
    "MIN_SPEAKERS",
    "DetCurve",
    "convex_hull_eer",
    "det_curve",
    "eer_interval",
    "equal_error_rate",
    "min_dcf",
    "speaker_groups",
    "threshold_at_eer",
]
