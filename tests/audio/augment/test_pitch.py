import sys

import numpy as np
import pytest

from speakertrip.audio.augment import require_pitch_shift, shift_pitch
from speakertrip.errors import ConfigError


@pytest.mark.parametrize("semitones", [-4.0, -1.0, 2.5, 12.0])
def test_a_tone_moves_by_semitones(semitones):
    tone = np.sin(2 * np.pi * 500 * np.arange(32_000) / 16_000).astype(np.float32)
    shifted = shift_pitch(tone, semitones)
    assert shifted.shape == tone.shape
    assert shifted.dtype == np.float32
    hertz = np.abs(np.fft.rfft(shifted * np.hanning(32_000))).argmax() / 2
    assert hertz == pytest.approx(500 * 2 ** (semitones / 12), rel=0.005)


def test_it_keeps_the_speed(speech_like):
    waveform = np.concatenate([speech_like(0.5, 0), np.zeros(16_000, np.float32), speech_like(0.5, 0)])
    shifted = shift_pitch(waveform, 3.0)
    assert np.abs(shifted[9_500:22_500]).max() < 0.05 * np.abs(shifted).max()


def test_zero_changes_nothing(speech_like):
    waveform = speech_like(0.3, 0)
    assert shift_pitch(waveform, 0.0) is waveform


@pytest.mark.parametrize("samples", [1, 100, 1_023, 5_001])
def test_short_waveforms_and_silence(samples):
    shifted = shift_pitch(np.zeros(samples, np.float32), 2.0)
    assert shifted.shape == (samples,)
    assert not shifted.any()
    assert np.isfinite(shift_pitch(np.ones(samples, np.float32), -2.0)).all()


def test_a_missing_library_is_named(monkeypatch):
    require_pitch_shift()
    monkeypatch.setitem(sys.modules, "librosa.effects", None)
    with pytest.raises(ConfigError, match=r"librosa: .*speakertrip\[augment\]"):
        require_pitch_shift()
