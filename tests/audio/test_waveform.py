import numpy as np
import pytest
import soundfile

from speakertrip.audio import SAMPLE_RATE, load_waveform, resample
from speakertrip.errors import AudioError


def sine(seconds: float, hertz: float, rate: int) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


@pytest.mark.parametrize("suffix", [".wav", ".flac"])
@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 22_050, 44_100, 48_000, 192_000])
def test_frequency_and_level_survive(tmp_path, suffix, rate):
    path = tmp_path / f"a{suffix}"
    soundfile.write(path, sine(2.0, 1000.0, rate), rate)
    waveform = load_waveform(path)
    assert waveform.dtype == np.float32
    assert len(waveform) == 2 * SAMPLE_RATE
    middle = waveform[SAMPLE_RATE // 2 : -SAMPLE_RATE // 2]  # one second: bin = hertz
    assert np.abs(np.fft.rfft(middle)).argmax() == 1000
    assert np.sqrt(np.mean(middle**2)) == pytest.approx(0.5 / np.sqrt(2), rel=1e-3)
    np.testing.assert_allclose(
        middle, sine(2.0, 1000.0, SAMPLE_RATE)[len(middle) // 2 :][: len(middle)], atol=1e-3
    )


def test_what_16_khz_cannot_hold_is_removed():
    assert np.abs(resample(sine(1.0, 10_000.0, 48_000), 48_000, 16_000)[1000:-1000]).max() < 1e-4


def test_the_same_rate_is_the_same_array():
    waveform = sine(0.1, 440.0, 16_000)
    assert resample(waveform, 16_000, 16_000) is waveform


def test_segments_are_in_seconds_of_the_file(tmp_path):
    path = tmp_path / "a.wav"
    steps = np.repeat(np.array([0.1, 0.2, 0.3, 0.4], np.float32), 8_000)
    soundfile.write(path, steps, 8_000)
    waveform = load_waveform(path, 1.0, 2.0)
    assert len(waveform) == 2 * SAMPLE_RATE
    assert waveform[SAMPLE_RATE // 2] == pytest.approx(0.2, abs=1e-3)
    assert waveform[SAMPLE_RATE * 3 // 2] == pytest.approx(0.3, abs=1e-3)


@pytest.mark.parametrize("rate", [4_000, 8_001, 655_350, 768_000])
def test_rates_that_are_rare(tmp_path, rate):
    path = tmp_path / "a.wav"
    soundfile.write(path, np.zeros(100, np.float32), rate)
    assert len(load_waveform(path)) == round(100 * SAMPLE_RATE / rate)


@pytest.mark.parametrize("rate", [1, 7, 2**31 - 1])
def test_rates_that_no_speech_has(tmp_path, rate):
    soundfile.write(tmp_path / "a.wav", np.zeros(100, np.float32), rate)
    with pytest.raises(AudioError, match=f"states a sample rate of {rate} Hz"):
        load_waveform(tmp_path / "a.wav")


def test_errors_of_the_codec_come_through(tmp_path):
    with pytest.raises(AudioError, match="no such file"):
        load_waveform(tmp_path / "absent.wav")
