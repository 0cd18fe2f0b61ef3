from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from speakertrip.audio import SAMPLE_RATE, find_speech, resample
from speakertrip.audio.activity import DIGITAL_SILENCE_DB, frame_levels, runs, total_seconds
from speakertrip.corpora.voices import draw_channel, draw_voice, synthesize

RNG = np.random.default_rng


def noise(seconds: float, level: float = 1.0, seed: int = 0) -> np.ndarray:
    return (level * RNG(seed).standard_normal(round(seconds * SAMPLE_RATE))).astype(np.float32)


def voice(seconds: float, seed: int = 0) -> np.ndarray:
    rng = RNG(seed)
    return synthesize(draw_voice(rng), draw_channel(rng), seconds, rng)


def with_pauses(seed: int, snr_db: float) -> tuple[np.ndarray, list[tuple[float, float]]]:
    """Return babble between pauses, in white noise, and where the babble is."""
    parts = [np.zeros(8_000), voice(1.5, seed), np.zeros(12_800), voice(2.0, seed + 100), np.zeros(8_000)]
    waveform = np.concatenate(parts).astype(np.float32)
    speech = np.concatenate([parts[1], parts[3]])
    level = np.sqrt(np.mean(speech**2) / 10 ** (snr_db / 10))
    return waveform + noise(len(waveform) / SAMPLE_RATE, level, seed), [(0.5, 2.0), (2.8, 4.8)]


def covered(stretches: list[tuple[float, float]], seconds: float) -> np.ndarray:
    active = np.zeros(round(seconds * 100), bool)
    for start, end in stretches:
        active[round(start * 100) : round(end * 100)] = True
    return active


def check_order(stretches: list[tuple[float, float]], seconds: float) -> None:
    flat = [moment for stretch in stretches for moment in stretch]
    assert flat == sorted(flat)
    assert len(set(flat)) == len(flat)
    assert all(0 <= moment <= seconds for moment in flat)


@pytest.mark.parametrize(("snr_db", "agreement"), [(60, 0.93), (30, 0.93), (20, 0.88), (10, 0.78)])
def test_babble_between_pauses(snr_db, agreement):
    shares = []
    for seed in range(6):
        waveform, truth = with_pauses(seed, snr_db)
        found = find_speech(waveform)
        check_order(found, 5.3)
        shares.append((covered(found, 5.3) == covered(truth, 5.3)).mean())
    assert np.mean(shares) > agreement


@pytest.mark.parametrize("gain", [0.02, 0.1, 1.0, 1000.0])
def test_the_gain_does_not_matter(gain):
    waveform, _ = with_pauses(1, 30)
    assert np.allclose(find_speech((gain * waveform).astype(np.float32)), find_speech(waveform), atol=0.011)


def test_an_offset_does_not_matter():
    waveform, _ = with_pauses(1, 30)
    assert find_speech(waveform + np.float32(0.3)) == find_speech(waveform)


@pytest.mark.parametrize("hertz", [50, 60])
def test_hum_as_loud_as_speech(hertz):
    waveform, _ = with_pauses(2, 30)
    loudness = np.sqrt(2 * np.mean(waveform**2) * 5.3 / 3.5)
    hum = loudness * np.sin(2 * np.pi * hertz * np.arange(len(waveform)) / SAMPLE_RATE)
    alone = covered(find_speech(waveform), 5.3)
    assert (covered(find_speech((waveform + hum).astype(np.float32)), 5.3) == alone).mean() > 0.9


def test_speech_without_a_pause():
    waveform = voice(3.0, 4)
    assert total_seconds(find_speech(waveform)) > 2.5


def test_a_little_speech_in_a_long_recording():
    waveform = noise(120, 1e-3)
    waveform[60 * SAMPLE_RATE : 62 * SAMPLE_RATE] += voice(2.0, 5)
    found = find_speech(waveform)
    assert 1.5 < total_seconds(found) < 2.5
    assert all(59.9 < start < end < 62.1 for start, end in found)


@pytest.mark.parametrize("background", [0.0, 1e-3])
def test_a_word_in_a_long_recording(background):
    waveform = noise(30, background)
    waveform[20 * SAMPLE_RATE : 20 * SAMPLE_RATE + 12_000] += voice(0.75, 5)
    found = find_speech(waveform)
    assert 0.5 < total_seconds(found) < 0.9
    assert all(19.9 < start < end < 20.9 for start, end in found)


@pytest.mark.parametrize("seconds", [0.5, 1.0, 10.0, 300.0])
@pytest.mark.parametrize("level", [1e-3, 0.3])
def test_steady_noise_is_no_speech(seconds, level):
    assert find_speech(noise(seconds, level)) == []


def test_coloured_noise_and_hum_are_no_speech():
    spectrum = np.fft.rfft(noise(10.0))
    pink = np.fft.irfft(spectrum / np.sqrt(np.arange(len(spectrum)) + 1))
    brown = np.fft.irfft(spectrum / (np.arange(len(spectrum)) + 10))
    hum = np.sin(2 * np.pi * 50 * np.arange(160_000) / SAMPLE_RATE)
    for sound in (pink, brown, hum, hum + 0.1 * pink):
        assert find_speech(sound.astype(np.float32)) == []


@pytest.mark.parametrize(
    "waveform",
    [
        np.zeros(0, np.float32),
        np.zeros(1, np.float32),
        np.ones(399, np.float32),
        np.zeros(160_000, np.float32),
        np.full(160_000, -0.7, np.float32),
        RNG(0).integers(-1, 2, 160_000).astype(np.float32) / 32_768,
    ],
    ids=["nothing", "one sample", "less than a frame", "zeros", "offset", "the last bit"],
)
def test_silence_is_no_speech(waveform):
    assert find_speech(waveform) == []


@pytest.mark.parametrize("background", [0.0, 1e-3])
def test_clicks_are_no_speech(background):
    waveform = noise(10.0, background)
    for place in RNG(1).choice(np.arange(20, 970, 12), 40, replace=False):  # at least 0.12 s apart
        start = place * 160
        waveform[start : start + 80] += np.float32(0.8)
    assert find_speech(waveform) == []


@given(arrays(np.float32, st.integers(0, 40_000), elements=st.floats(-1, 1, width=32)), st.floats(0.01, 100))
def test_any_waveform_gives_stretches_in_order(waveform, gain):
    found = find_speech((waveform * np.float32(gain)).astype(np.float32))
    check_order(found, len(waveform) / SAMPLE_RATE)
    assert find_speech((waveform * np.float32(gain)).astype(np.float32)) == found


def test_samples_far_beyond_full_scale():
    waveform, _ = with_pauses(1, 30)
    found = find_speech((waveform * 2.0**31).astype(np.float32))
    assert total_seconds(found) == pytest.approx(total_seconds(find_speech(waveform)), abs=0.05)


def test_telephone_band():
    waveform, truth = with_pauses(3, 30)
    narrow = resample(resample(waveform, 16_000, 8_000), 8_000, 16_000)
    assert (covered(find_speech(narrow), 5.3) == covered(truth, 5.3)).mean() > 0.9


def test_frame_levels_are_those_of_a_plain_loop():
    waveform = voice(0.7, 6)[:11_111]
    expected = []
    centred = waveform.astype(np.float64) - waveform.astype(np.float64).mean()
    for start in range(0, len(waveform) // 80 * 80 - 400 + 1, 160):
        energy = 0.0
        for block in range(start, start + 400, 80):
            x = centred[block : block + 80]
            slope, height = np.polyfit(np.arange(80), x, 1)
            energy += np.sum((x - slope * np.arange(80) - height) ** 2)
        expected.append(10 * np.log10(energy / 400))
    # The plain loop takes the mean of all samples, the package of whole blocks: the lines take either away.
    np.testing.assert_allclose(frame_levels(waveform), expected, atol=0.01)


def test_frame_levels_of_nothing():
    assert frame_levels(np.zeros(0, np.float32)).shape == (0,)
    assert frame_levels(np.zeros(399, np.float32)).shape == (0,)
    np.testing.assert_array_equal(frame_levels(np.zeros(800, np.float32)), [DIGITAL_SILENCE_DB] * 3)


@given(st.lists(st.booleans(), max_size=50))
def test_runs(active):
    found = runs(np.array(active, bool))
    again = np.zeros(len(active), bool)
    for first, end in found:
        assert first < end
        again[first:end] = True
    assert again.tolist() == active
    assert all(before[1] < after[0] for before, after in pairwise(found))
