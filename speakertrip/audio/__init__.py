"""Audio files to waveforms: float32, mono, 16 kHz, shape ``(samples,)``."""

from speakertrip.audio.codec import AudioHeader, decode, encode, read_header
from speakertrip.audio.speech import require_speech
from speakertrip.audio.waveform import SAMPLE_RATE, load_waveform, resample

__all__ = [
    "SAMPLE_RATE",
    "AudioHeader",
    "decode",
    "encode",
    "load_waveform",
    "read_header",
    "require_speech",
    "resample",
]
