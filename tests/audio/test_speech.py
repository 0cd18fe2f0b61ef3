import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakertrip.audio import SAMPLE_RATE, SpeechNeeds, require_speech
from speakertrip.audio.speech import require_speech_seconds
from speakertrip.errors import AudioError, UsageError


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


def test_an_offset_is_told_of():
    with pytest.raises(AudioError, match=r"its peak, a constant offset aside, lies below -60 dB"):
        require_speech(noise(0.9e-3, offset=-0.3), "a.wav")


@pytest.mark.parametrize("samples", [0, 1, 6399])
def test_too_short(samples):
    with pytest.raises(AudioError, match=r"a\.wav lasts 0\.[04]\d s; at least 0\.4 s are needed"):
        require_speech(noise(0.5)[:samples], "a.wav")


def test_enough(speech_like):
    require_speech(noise(0.5, 0.4), "a.wav")
    require_speech(noise(1.1e-3), "a.wav")
    require_speech(noise(0.5, offset=0.4), "a.wav")
    require_speech(speech_like(1.0, 0), "a.wav")


@pytest.mark.parametrize(
    ("names", "found", "needed", "message"),
    [
        (
            ["a.wav"],
            [0.499999],
            0.5,
            r"^a\.wav holds 0\.49 s of speech \(energy detector\); at least 0\.5 s is needed\.$",
        ),
        (
            ["a.wav", "b.wav"],
            [0.5, 0.25],
            1.0,
            r"^a\.wav and 1 more together hold 0\.75 s .* at least 1 s is needed\.$",
        ),
        (["a.wav", "b.wav"], [3.0, 0.0], 1.0, r"^b\.wav holds no speech \(energy detector\)"),
        (["a.wav"], [0.0], 0.0, r"^a\.wav holds no speech"),
    ],
)
def test_too_little_speech(names, found, needed, message):
    with pytest.raises(AudioError, match=message):
        require_speech_seconds(names, found, needed, "energy")


def test_hundredths_that_sum_to_what_is_needed():
    found = [0.06, 0.57, 0.37]
    assert sum(found) < 1  # in float64
    require_speech_seconds(["a.wav", "b.wav", "c.wav"], found, 1.0, "energy")


@given(st.lists(st.floats(0.01, 10), min_size=1, max_size=5), st.floats(0, 20))
def test_enough_speech_is_at_least_what_is_needed(found, needed):
    names = [f"{row}.wav" for row in range(len(found))]
    if round(sum(found), 6) < needed:
        with pytest.raises(AudioError, match="no detector"):
            require_speech_seconds(names, found, needed, "none")
    else:
        require_speech_seconds(names, found, needed, "none")


@pytest.mark.parametrize("seconds", [-0.1, float("nan"), float("inf")])
def test_needs_that_are_none(seconds):
    for refused in (lambda: SpeechNeeds("none", seconds), lambda: SpeechNeeds(enrollment_seconds=seconds)):
        with pytest.raises(UsageError, match="must be 0 s or more"):
            refused()
