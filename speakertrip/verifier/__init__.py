"""Enroll, verify and identify: what the command line and applications call."""

from speakertrip.verifier.batch import Enrolled, enroll_utterances, group_by_speaker
from speakertrip.verifier.facade import SpeakerVerifier, Speech
from speakertrip.verifier.renewal import outdated, renew

__all__ = [
    "Enrolled",
    "SpeakerVerifier",
    "Speech",
    "enroll_utterances",
    "group_by_speaker",
    "outdated",
    "renew",
]
