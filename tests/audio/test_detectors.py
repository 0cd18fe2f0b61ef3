import numpy as np
import pytest

from speakertrip.audio import find_speech
from speakertrip.audio.detectors import IN_WORDS, make_detector


def test_energy_is_find_speech():
    assert make_detector("energy") is find_speech


@pytest.mark.parametrize("samples", [0, 1, 40_000])
def test_to_none_all_is_speech(samples):
    found = make_detector("none")(np.zeros(samples, np.float32))
    assert found == ([(0.0, samples / 16_000)] if samples else [])


def test_each_has_words():
    assert len(set(IN_WORDS.values())) == 3
