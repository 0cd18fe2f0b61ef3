"""The model directory: configuration, weights, calibration, card and checksums."""

from speakertrip.bundle.bundle import Bundle
from speakertrip.bundle.calibration import Calibration
from speakertrip.bundle.importing import import_bundle
from speakertrip.bundle.lengths import LengthErrors, LengthTable
from speakertrip.bundle.model import SpeakerModel
from speakertrip.bundle.source import Source
from speakertrip.bundle.summary import summarize

__all__ = [
    "Bundle",
    "Calibration",
    "LengthErrors",
    "LengthTable",
    "Source",
    "SpeakerModel",
    "import_bundle",
    "summarize",
]
