"""Enroll, verify and identify: what the command line and applications call."""

from speakertrip.verifier.batch import Outcome, enroll_utterances, group_by_speaker
from speakertrip.verifier.facade import SpeakerVerifier, Speech
from speakertrip.verifier.renewal import outdated, renew
from speakertrip.verifier.trials import TrialScores, score_enrolled

__all__ = [
    "Outcome",
    "SpeakerVerifier",
    "Speech",
    "TrialScores",
    "enroll_utterances",
    "group_by_speaker",
    "outdated",
    "renew",
    "score_enrolled",
]
