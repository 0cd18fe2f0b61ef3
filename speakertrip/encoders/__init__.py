"""Encoders: log-mel features to embeddings, behind one protocol."""

from speakertrip.encoders.build import build_encoder
from speakertrip.encoders.protocol import SpeakerEncoder

__all__ = ["SpeakerEncoder", "build_encoder"]
