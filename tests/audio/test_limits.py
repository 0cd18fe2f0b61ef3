import numpy as np
import pytest

from speakertrip.audio.limits import MAX_LEVEL, limit_format, limit_length, require_samples
from speakertrip.errors import AudioError


@pytest.mark.parametrize(
    ("minutes", "rate", "channels"), [(60, 16_000, 2), (60, 48_000, 8), (30, 96_000, 1), (30, 48_000, 16)]
)
def test_lengths(minutes, rate, channels):
    most = minutes * 60 * rate
    limit_length(most, rate, channels, "a.wav")
    with pytest.raises(
        AudioError, match=rf"a\.wav holds {minutes}\.0 minutes; an utterance may have {minutes}\b"
    ):
        limit_length(most + 1, rate, channels, "a.wav")


def test_a_length_that_no_number_counts():
    with pytest.raises(AudioError, match=r"a\.wav holds .* minutes; an utterance may have 60\. Cut it"):
        limit_length(2**62, 16_000, 1, "a.wav")


@pytest.mark.parametrize("rate", [-1, 0, 1, 3_999, 768_001, 2**31 - 1])
def test_rates_that_no_speech_has(rate):
    with pytest.raises(
        AudioError, match=rf"a\.wav states a sample rate of {rate} Hz; speech has 4000 to 768000"
    ):
        limit_format(rate, 1, "a.wav")


def test_a_file_without_channels():
    limit_format(8_000, 1, "a.wav")
    with pytest.raises(AudioError, match="no channels"):
        limit_format(8_000, 0, "a.wav")


@pytest.mark.parametrize(
    ("samples", "start", "message"),
    [
        ([], 0.0, r"^a.wav holds no samples\.$"),
        ([], 1.5, r"^a.wav holds no samples from 1.5 s on\.$"),
        ([0.0, np.nan], 0.0, "not finite"),
        ([0.0, -np.inf], 0.0, "not finite"),
        ([0.0, -2 * MAX_LEVEL], 0.0, "far beyond full scale"),
    ],
)
def test_samples_that_cannot_be_used(samples, start, message):
    with pytest.raises(AudioError, match=message):
        require_samples(np.array(samples, np.float32), start, "a.wav")


def test_samples_that_can():
    require_samples(np.array([0.0, -MAX_LEVEL], np.float32), 0.0, "a.wav")
