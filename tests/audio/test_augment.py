import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakertrip.audio.augment import augment
from speakertrip.config import AugmentConfig

NOISE = AugmentConfig(equalize_probability=0, noise_probability=1, noise_snr_db=(10, 10))
EQUALIZE = AugmentConfig(equalize_probability=1, noise_probability=0, equalize_db=6)
NOTHING = AugmentConfig(equalize_probability=0, noise_probability=0)


def tone(hertz, samples=32_000):
    return np.sin(2 * np.pi * hertz * np.arange(samples) / 16_000).astype(np.float32)


@given(st.integers(100, 40_000), st.integers(0, 2**31))
def test_keeps_length_and_type_and_follows_the_seed(samples, seed):
    waveform = np.random.default_rng(seed).standard_normal(samples).astype(np.float32)
    before = waveform.copy()
    once, again = (augment(waveform, AugmentConfig(), np.random.default_rng(seed)) for _ in range(2))
    assert once.shape == (samples,)
    assert once.dtype == np.float32
    assert np.isfinite(once).all()
    np.testing.assert_array_equal(once, again)
    np.testing.assert_array_equal(waveform, before)


def test_noise_has_the_stated_level():
    clean = tone(440)
    for seed in range(5):
        noise = augment(clean, NOISE, np.random.default_rng(seed)) - clean
        snr_db = 10 * np.log10(np.sum(clean**2) / np.sum(noise**2))
        assert snr_db == pytest.approx(10, abs=0.1)


@pytest.mark.parametrize("hertz", [100, 440, 1_000, 5_000])
def test_equalisation_stays_within_its_range(hertz):
    gains = []
    for seed in range(20):
        coloured = augment(tone(hertz), EQUALIZE, np.random.default_rng(seed))
        gains.append(20 * np.log10(coloured.std() / tone(hertz).std()))
    assert max(np.abs(gains)) <= 6.1
    assert np.std(gains) > 1  # and it does something


def test_nothing_drawn_changes_nothing():
    assert augment(tone(440), NOTHING, np.random.default_rng(0)) is not None
    np.testing.assert_array_equal(augment(tone(440), NOTHING, np.random.default_rng(0)), tone(440))


def test_silence_stays_finite():
    assert not augment(
        np.zeros(16_000, np.float32), AugmentConfig(noise_probability=1), np.random.default_rng(0)
    ).any()
