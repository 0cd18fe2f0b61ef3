import numpy as np
import pytest

from speakertrip.audio import SAMPLE_RATE, require_speech
from speakertrip.errors import AudioError


def noise(peak: float, seconds: float = 1.0, offset: float = 0.0) -> np.ndarray:
    samples = np.random.default_rng(0).uniform(-1, 1, round(seconds * SAMPLE_RATE))
    return (offset + peak * samples / np.abs(samples).max()).astype(np.float32)


@pytest.mark.parametrize(
    "waveform",
    [
        np.zeros(SAMPLE_RATE, np.float32),
        np.full(SAMPLE_RATE, 0.5, np.float32),
        noise(0.9e-3),
        noise(0.9e-3, offset=-0.3),
    ],
    ids=["zeros", "offset", "faint noise", "faint noise on an offset"],
)
def test_silence(waveform):
    with pytest.raises(AudioError, match=r"a\.wav is silent"):
        require_speech(waveform, "a.wav")


@pytest.mark.parametrize("samples", [0, 1, 6399])
def test_too_short(samples):
    with pytest.raises(AudioError, match=r"a\.wav lasts 0\.[04]\d s; at least 0\.4 s are needed"):
        require_speech(noise(0.5)[:samples], "a.wav")


def test_enough(speech_like):
    require_speech(noise(0.5, 0.4), "a.wav")
    require_speech(noise(1.1e-3), "a.wav")
    require_speech(noise(0.5, offset=0.4), "a.wav")
    require_speech(speech_like(1.0, 0), "a.wav")
