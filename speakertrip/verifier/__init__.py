"""Enroll, verify and identify: what the command line and applications call."""

from speakertrip.verifier.facade import SpeakerVerifier, Speech
from speakertrip.verifier.renewal import outdated, renew

__all__ = ["SpeakerVerifier", "Speech", "outdated", "renew"]
