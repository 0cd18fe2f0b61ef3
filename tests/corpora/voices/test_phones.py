from itertools import islice

import numpy as np
import pytest

from speakertrip.corpora.voices.phones import FRICATIVES, babble


def phones(count=500, rate=1.0, seed=0):
    return list(islice(babble(rate, np.random.default_rng(seed)), count))


def test_babble_is_that_of_its_seed():
    for one, other in zip(phones(50), phones(50), strict=True):
        assert one._replace(target=0) == other._replace(target=0)
        np.testing.assert_array_equal(one.target, other.target)
    assert phones(50)[5].seconds != phones(50, seed=1)[5].seconds


def test_phones_can_be_spoken():
    said = phones()
    for phone in said:
        assert 0 < phone.seconds < 1
        assert 0 <= phone.voicing <= 1
        assert -1 <= phone.fricative < len(FRICATIVES)
        assert phone.target.shape == (3,)
        assert (np.diff(phone.target) > 0).all()
        assert phone.target[0] > 150
        assert phone.target[2] < 4000
    assert {phone.fricative for phone in said} == {-1, 0, 1, 2, 3}
    assert any(phone.voicing > 0.6 for phone in said)  # vowels
    assert said[0].voicing == 0  # a pause comes first


def test_a_faster_speaker_says_syllables_in_less_time():
    slow, fast = (sum(p.seconds for p in phones(rate=rate) if p.voicing > 0.6) for rate in (1.0, 2.0))
    assert slow == pytest.approx(2 * fast)
