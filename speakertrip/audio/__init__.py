"""Audio files to waveforms: float32, mono, 16 kHz, shape ``(samples,)``."""

from speakertrip.audio.codec import AudioHeader, decode, encode, read_header
from speakertrip.audio.source import AudioBytes, AudioSource, read_stream
from speakertrip.audio.speech import require_speech
from speakertrip.audio.waveform import SAMPLE_RATE, load_waveform, resample

__all__ = [
    "SAMPLE_RATE",
    "AudioBytes",
    "AudioHeader",
    "AudioSource",
    "decode",
    "encode",
    "load_waveform",
    "read_header",
    "read_stream",
    "require_speech",
    "resample",
]
