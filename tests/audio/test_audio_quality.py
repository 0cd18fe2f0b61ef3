import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from speakertrip.audio import SAMPLE_RATE, Quality, decode, encode, find_speech, measure_quality, resample
from speakertrip.corpora.voices import Channel, draw_voice, synthesize

RNG = np.random.default_rng
CLEAN = Channel(equalisation=(0.0,), noise_color=0.0, snr=80.0, level=0.5)


def voice(seconds: float, seed: int = 0) -> np.ndarray:
    rng = RNG(seed)
    return synthesize(draw_voice(rng), CLEAN, seconds, rng)


@pytest.fixture(scope="module")
def conversation() -> np.ndarray:
    """Return 9.1 s at a peak of 0.5: babble of three voices, each after and before a pause of a second."""
    parts = [part for seed in range(3) for part in (np.zeros(SAMPLE_RATE), voice(1.7, seed))]
    return np.concatenate([*parts, np.zeros(SAMPLE_RATE)]).astype(np.float32)


def noisy(speech: np.ndarray, snr_db: float, color: float) -> np.ndarray:
    """Add noise so that the babble's power (3 x 1.7 s) over that of the noise is as given."""
    spectrum = np.fft.rfft(RNG(1).standard_normal(len(speech)))
    noise = np.fft.irfft(spectrum * np.maximum(np.arange(len(spectrum)), 400) ** (-color / 2), len(speech))
    power = np.sum(speech.astype(np.float64) ** 2) / (3 * 1.7 * SAMPLE_RATE)
    wanted = power / 10 ** (snr_db / 10)
    return (speech + noise * np.sqrt(wanted / np.mean(noise**2))).astype(np.float32)


@pytest.mark.parametrize("color", [0, 1])
@pytest.mark.parametrize("snr_db", [5, 10, 20, 30, 40])
def test_noise_at_a_known_ratio(conversation, snr_db, color):
    """Within 3 dB: what is weak in speech drowns in noise and is not counted as speech."""
    assert measure_quality(noisy(conversation, snr_db, color)).snr_db == pytest.approx(snr_db, abs=3)


def test_noise_beside_known_stretches(conversation):
    """Told where the speech is, the estimate is the ratio, but for the quantile: 0.6 dB of white noise."""
    truth = [(1.0, 2.7), (3.7, 5.4), (6.4, 8.1)]
    for snr_db in (10, 20, 30):
        quality = measure_quality(noisy(conversation, snr_db, 0), truth)
        assert quality.snr_db == pytest.approx(snr_db + 0.6, abs=0.3)
        assert quality.speech_seconds == pytest.approx(5.1)


def test_no_ratio_without_speech_or_without_a_pause():
    assert measure_quality(np.zeros(SAMPLE_RATE, np.float32)).snr_db is None
    assert measure_quality((0.1 * RNG(0).standard_normal(48_000)).astype(np.float32)).snr_db is None
    speech = voice(2.0)
    assert measure_quality(speech, [(0.0, 2.0)]).snr_db is None
    assert measure_quality(speech, []).snr_db is None


def test_a_gate_is_no_quieter_than_16_bits_can_tell():
    speech = np.concatenate([np.zeros(16_000), voice(2.0), np.zeros(16_000)]).astype(np.float32)
    quality = measure_quality(speech, [(1.0, 3.0)])
    assert quality.snr_db == pytest.approx(quality.level_db + 101.1, abs=0.1)


def test_noise_only_where_it_is_said_to_be_speech():
    waveform = np.concatenate([0.1 * RNG(0).standard_normal(16_000), np.zeros(16_000)])
    assert measure_quality(waveform[::-1].astype(np.float32), [(0.0, 1.0)]).snr_db == -30.0


def test_level(conversation):
    truth = [(1.0, 2.7), (3.7, 5.4), (6.4, 8.1)]
    power = np.sum(conversation.astype(np.float64) ** 2) / (5.1 * SAMPLE_RATE)
    assert measure_quality(conversation, truth).level_db == pytest.approx(10 * np.log10(power), abs=1e-3)
    quiet = measure_quality(conversation / 100)
    assert quiet.level_db == pytest.approx(measure_quality(conversation).level_db - 40, abs=0.5)
    assert quiet.peak == pytest.approx(0.005, rel=1e-4)


def test_silence():
    for samples in (0, 1, 399, SAMPLE_RATE):
        expected = Quality(samples / SAMPLE_RATE, 0.0, -math.inf, 0.0, 0.0, None, 0.0)
        assert measure_quality(np.zeros(samples, np.float32)) == expected


@pytest.mark.parametrize("share", [0.002, 0.01, 0.05, 0.2])
def test_clipping_at_a_known_share(conversation, share):
    limit = np.quantile(np.abs(conversation), 1 - share)
    clipped = np.clip(conversation / limit, -1, 1)
    assert measure_quality(clipped).clipped == pytest.approx(share, rel=0.3)
    assert measure_quality(0.95 * clipped).clipped == pytest.approx(share, rel=0.3)
    assert measure_quality(0.5 * clipped).clipped == 0.0  # as loud a voice may be
    fast = resample(np.clip(resample(conversation / limit, 16_000, 44_100), -1, 1), 44_100, 16_000)
    assert measure_quality(fast).clipped == pytest.approx(share, rel=0.4)


@pytest.mark.parametrize("suffix", ["ogg", "mp3"])
def test_clipping_before_a_lossy_codec(conversation, tmp_path, suffix):
    limit = np.quantile(np.abs(conversation), 0.95)
    encode(tmp_path / f"a.{suffix}", np.clip(conversation / limit, -1, 1), SAMPLE_RATE)
    assert 0.01 < measure_quality(decode(tmp_path / f"a.{suffix}")[0]).clipped < 0.06


def test_a_voice_at_full_scale_is_not_clipped(conversation):
    assert measure_quality(2 * conversation).clipped < 1e-4


@pytest.mark.parametrize("gain", [10.0, 32_767.0, 1e6])
def test_a_voice_of_another_scale_is_not_clipped(conversation, gain):
    assert measure_quality(gain * conversation).clipped < 1e-4


def test_an_offset_does_not_narrow_the_band(conversation):
    assert (
        measure_quality(0.05 * conversation + 0.9).bandwidth == measure_quality(0.05 * conversation).bandwidth
    )


def test_runs_at_the_peak_are_counted_by_a_plain_loop():
    waveform = np.round(np.clip(RNG(2).standard_normal(5_000), -1, 1) * 4).astype(np.float32) / 4
    count, run = 0, 0
    for sample in [*waveform, 0.0]:
        if abs(sample) >= 0.97:
            run += 1
        else:
            count, run = count + run * (run >= 3), 0
    assert measure_quality(waveform).clipped == count / 5_000 > 0


@pytest.mark.parametrize("rate", [4_000, 8_000, 11_025])
def test_bandwidth(conversation, rate):
    narrow = resample(resample(conversation, SAMPLE_RATE, rate), rate, SAMPLE_RATE)
    found = measure_quality(
        (narrow + 1e-6 * RNG(0).standard_normal(len(narrow))).astype(np.float32)
    ).bandwidth
    assert rate / 2 * 0.85 < found <= rate / 2 * 1.02


def test_bandwidth_of_tones():
    t = np.arange(32_000) / SAMPLE_RATE
    tones = sum(np.sin(2 * np.pi * hertz * t) for hertz in (500, 3_000, 6_000)).astype(np.float32)
    assert measure_quality(0.1 * tones, [(0.0, 2.0)]).bandwidth == pytest.approx(6_000, abs=65)
    assert measure_quality(tones, [(0.0, 0.02)]).bandwidth == 0.0  # less than a window


def test_bandwidth_of_an_hour_looks_at_a_part_of_it(conversation):
    long = np.tile(conversation, 20)
    speech = find_speech(long)
    assert measure_quality(long, speech).bandwidth == measure_quality(conversation).bandwidth


@given(arrays(np.float32, st.integers(0, 20_000), elements=st.floats(-1, 1, width=32)), st.floats(1e-6, 1e6))
def test_any_waveform_has_measures_in_range(waveform, gain):
    waveform = (waveform * gain).astype(np.float32)
    quality = measure_quality(waveform)
    assert quality.seconds == len(waveform) / SAMPLE_RATE
    assert 0 <= quality.speech_seconds <= quality.seconds
    assert quality.peak == (np.abs(waveform).max() if len(waveform) else 0)
    assert 0 <= quality.clipped <= 1
    assert quality.level_db < math.inf
    assert quality.snr_db is None or -30 <= quality.snr_db < 250
    assert 0 <= quality.bandwidth <= 8_000
