"""Audio files to waveforms: float32, mono, 16 kHz, shape ``(samples,)``."""

from speakertrip.audio.activity import find_speech
from speakertrip.audio.codec import AudioHeader, decode, encode, read_header
from speakertrip.audio.quality import Quality, measure_quality
from speakertrip.audio.recording import Recording, read_recording, record_utterance
from speakertrip.audio.source import AudioBytes, AudioSource, read_stream
from speakertrip.audio.speech import SpeechNeeds, require_speech
from speakertrip.audio.utterance import audio_of, load_utterance
from speakertrip.audio.waveform import SAMPLE_RATE, load_waveform, resample

__all__ = [
    "SAMPLE_RATE",
    "AudioBytes",
    "AudioHeader",
    "AudioSource",
    "Quality",
    "Recording",
    "SpeechNeeds",
    "audio_of",
    "decode",
    "encode",
    "find_speech",
    "load_utterance",
    "load_waveform",
    "measure_quality",
    "read_header",
    "read_recording",
    "read_stream",
    "record_utterance",
    "require_speech",
    "resample",
]
