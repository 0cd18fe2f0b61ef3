"""Enroll, verify and identify: what the command line and applications call."""

from speakertrip.verifier.calibrating import StoreCalibration, calibrate_store
from speakertrip.verifier.facade import SpeakerVerifier, Speech
from speakertrip.verifier.renewal import outdated, renew
from speakertrip.verifier.scoring import Claim, Scoring

__all__ = [
    "Claim",
    "Scoring",
    "SpeakerVerifier",
    "Speech",
    "StoreCalibration",
    "calibrate_store",
    "outdated",
    "renew",
]
