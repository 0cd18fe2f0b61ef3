"""The model directory: configuration, weights, calibration, card and checksums."""

from speakertrip.bundle.bundle import Bundle, Calibration
from speakertrip.bundle.model import SpeakerModel

__all__ = ["Bundle", "Calibration", "SpeakerModel"]
