import numpy as np
import pytest

from speakertrip.audio.limits import MAX_LEVEL, MAX_SECONDS, limit_length, require_samples
from speakertrip.errors import AudioError


def test_lengths():
    limit_length(MAX_SECONDS, "a.wav")
    with pytest.raises(AudioError, match=r"a\.wav holds 120 minutes; an utterance may have 60\. Cut it"):
        limit_length(2 * MAX_SECONDS, "a.wav")


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
