"""From embeddings to scores to likelihood ratios to decisions."""

from speakertrip.backend.calibration import Calibration, IsotonicCalibration, LinearCalibration
from speakertrip.backend.cosine import pair_scores, unit_rows
from speakertrip.backend.decision import Decision, decide, in_words
from speakertrip.backend.fitted import FittedOn
from speakertrip.backend.lda import LDA
from speakertrip.backend.normalisation import CohortStatistics, NormKind, cohort_statistics, normalise
from speakertrip.backend.operating_point import (
    Choice,
    FalseAlarmPoint,
    FalseAlarmRate,
    FalseAlarmTable,
    GivenThreshold,
    Threshold,
    percent,
    resolve,
)
from speakertrip.backend.pipeline import Backend
from speakertrip.backend.plda import PLDA
from speakertrip.backend.quality import SideQuality, quality_columns
from speakertrip.backend.rule import DecisionRule
from speakertrip.backend.sides import Sides
from speakertrip.backend.storage import BackendOptions, pack, unpack

__all__ = [
    "LDA",
    "PLDA",
    "Backend",
    "BackendOptions",
    "Calibration",
    "Choice",
    "CohortStatistics",
    "Decision",
    "DecisionRule",
    "FalseAlarmPoint",
    "FalseAlarmRate",
    "FalseAlarmTable",
    "FittedOn",
    "GivenThreshold",
    "IsotonicCalibration",
    "LinearCalibration",
    "NormKind",
    "SideQuality",
    "Sides",
    "Threshold",
    "cohort_statistics",
    "decide",
    "in_words",
    "normalise",
    "pack",
    "pair_scores",
    "percent",
    "quality_columns",
    "resolve",
    "unit_rows",
    "unpack",
]
