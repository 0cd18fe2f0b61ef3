"""Error rates from scores: fractions, never percent. Higher scores mean "same speaker"; accept at >= threshold."""

from speakertrip.metrics.bootstrap import (
    MIN_SPEAKERS,
    REPLICATES,
    PairedDifference,
    Resample,
    Statistic,
    bootstrap,
    eer_interval,
    interval,
    paired_differences,
)
from speakertrip.metrics.costs import OperatingPoint, act_dcf, mean_min_dcf, min_dcf
from speakertrip.metrics.det import DetCurve, det_curve
from speakertrip.metrics.error_rates import (
    convex_hull_eer,
    equal_error_rate,
    false_alarm_at_miss,
    miss_at_false_alarm,
    threshold_at_eer,
)
from speakertrip.metrics.false_alarms import PointAtRate, any_false_alarm, points_at_rates
from speakertrip.metrics.llr import cllr, min_cllr
from speakertrip.metrics.speakers import speaker_groups
from speakertrip.metrics.streamed import StreamedRates, stream_rates

__all__ = [
    "MIN_SPEAKERS",
    "REPLICATES",
    "DetCurve",
    "OperatingPoint",
    "PairedDifference",
    "PointAtRate",
    "Resample",
    "Statistic",
    "StreamedRates",
    "act_dcf",
    "any_false_alarm",
    "bootstrap",
    "cllr",
    "convex_hull_eer",
    "det_curve",
    "eer_interval",
    "equal_error_rate",
    "false_alarm_at_miss",
    "interval",
    "mean_min_dcf",
    "min_cllr",
    "min_dcf",
    "miss_at_false_alarm",
    "paired_differences",
    "points_at_rates",
    "speaker_groups",
    "stream_rates",
    "threshold_at_eer",
]
