import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import fft

from speakertrip.audio.augment import Light
from speakertrip.config import AugmentConfig

NOISE = AugmentConfig(equalize_probability=0, noise_probability=1, noise_snr_db=(10, 10))
EQUALIZE = AugmentConfig(equalize_probability=1, noise_probability=0, equalize_db=6)
NOTHING = AugmentConfig(equalize_probability=0, noise_probability=0)


def augment(waveform, config, rng):
    return Light(config).transform(waveform, rng)


def in_one_function(waveform, config, rng):
    """Light augmentation written out: the digits that the recipes were trained with."""
    equalize = rng.random() < config.equalize_probability
    add_noise = rng.random() < config.noise_probability
    if not (equalize or add_noise):
        return waveform
    size = len(waveform)
    points = fft.next_fast_len(size, real=True)
    spectrum = fft.rfft(waveform, points)
    bins = np.linspace(0, 1, len(spectrum))
    place = np.geomspace(60.0 / 8000.0, 1.0, 64)
    if equalize:
        knots_db = rng.uniform(-config.equalize_db, config.equalize_db, 8)
        gains_db = np.interp(np.linspace(0, 7, 64), np.arange(8), knots_db)
        spectrum *= np.interp(bins, place, 10 ** (gains_db / 20)).astype(np.float32)
    if add_noise:
        snr_db = rng.uniform(*config.noise_snr_db)
        energy = float(np.vdot(spectrum, spectrum).real) / 10 ** (snr_db / 10)
        shape = np.interp(bins, place, place ** -rng.uniform(0, 1)).astype(np.float32)
        parts = rng.standard_normal((len(spectrum), 2), dtype=np.float32)
        noise = parts.view(np.complex64)[:, 0] * shape
        noise = (noise * np.sqrt(energy / float(np.vdot(noise, noise).real))).astype(np.complex64)
        spectrum += noise
    return fft.irfft(spectrum, points)[:size].astype(np.float32)


def tone(hertz, samples=32_000):
    return np.sin(2 * np.pi * hertz * np.arange(samples) / 16_000).astype(np.float32)


@pytest.mark.parametrize("samples", [19_200, 24_000, 32_000, 31_991])
@pytest.mark.parametrize(
    "config", [AugmentConfig(), AugmentConfig(noise_probability=0.4, noise_snr_db=(10, 30)), NOISE, EQUALIZE]
)
def test_draws_and_digits_are_those_of_the_plain_function(samples, config, speech_like):
    waveform = speech_like(samples / 16_000, 3)
    for draw in range(20):
        ours, plain = np.random.default_rng([1, draw]), np.random.default_rng([1, draw])
        np.testing.assert_array_equal(
            augment(waveform, config, ours), in_one_function(waveform, config, plain)
        )
        assert ours.bit_generator.state == plain.bit_generator.state


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
    np.testing.assert_array_equal(augment(tone(440), NOTHING, np.random.default_rng(0)), tone(440))


def test_silence_stays_finite():
    assert not augment(
        np.zeros(16_000, np.float32), AugmentConfig(noise_probability=1), np.random.default_rng(0)
    ).any()


def test_says_what_was_done():
    said = []
    Light(NOISE).transform(tone(440), np.random.default_rng(0), said.append)
    assert said == ["coloured noise at 10.0 dB"]
