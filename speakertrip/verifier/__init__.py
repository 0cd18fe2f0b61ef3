"""Enroll, verify and identify: what the command line and applications call."""

from speakertrip.verifier.batch import Outcome, enroll_utterances, group_by_speaker
from speakertrip.verifier.calibrating import StoreCalibration, calibrate_store
from speakertrip.verifier.claim import Claim
from speakertrip.verifier.facade import SpeakerVerifier
from speakertrip.verifier.given import Speech
from speakertrip.verifier.listener import Listener
from speakertrip.verifier.renewal import outdated, renew
from speakertrip.verifier.short import ShortSpeech, short_speech
from speakertrip.verifier.trials import TrialScores, score_enrolled

__all__ = [
    "Claim",
    "Listener",
    "Outcome",
    "ShortSpeech",
    "SpeakerVerifier",
    "Speech",
    "StoreCalibration",
    "TrialScores",
    "calibrate_store",
    "enroll_utterances",
    "group_by_speaker",
    "outdated",
    "renew",
    "score_enrolled",
    "short_speech",
]
