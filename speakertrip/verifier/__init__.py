"""Enroll, verify and identify: what the command line and applications call."""

from speakertrip.verifier.facade import SpeakerVerifier, Speech

__all__ = ["SpeakerVerifier", "Speech"]
