"""Decode and encode audio: WAV, FLAC, OGG/Opus, MP3 and their kin; with av (an extra) also m4a and webm."""

from speakertrip.audio.codec.content import AUDIO_SUFFIXES
from speakertrip.audio.codec.decoding import decode, read_header
from speakertrip.audio.codec.sound import encode, encode_bytes
from speakertrip.audio.codec.stretch import AudioHeader

__all__ = ["AUDIO_SUFFIXES", "AudioHeader", "decode", "encode", "encode_bytes", "read_header"]
