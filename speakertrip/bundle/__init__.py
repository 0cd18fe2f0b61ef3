"""The model directory: configuration, weights, calibration, card and checksums."""

from speakertrip.bundle.bundle import Bundle
from speakertrip.bundle.calibration import Calibration
from speakertrip.bundle.model import SpeakerModel

__all__ = ["Bundle", "Calibration", "SpeakerModel"]
