import librosa
import numpy as np
import pytest
import torch

from speakertrip.config import FeatureConfig
from speakertrip.errors import ConfigError
from speakertrip.features import HOP, WINDOW, LogMel
from speakertrip.features.log_mel import FFT, FLOOR


@pytest.fixture(scope="module")
def waveform():
    return np.random.default_rng(0).standard_normal(16_000).astype(np.float32)


def test_agrees_with_librosa(waveform):
    config = FeatureConfig()
    power = librosa.feature.melspectrogram(
        y=(waveform - waveform.mean()) / waveform.std(),
        sr=16_000,
        n_fft=FFT,
        win_length=WINDOW,
        hop_length=HOP,
        n_mels=config.mels,
        fmin=config.f_min,
        fmax=config.f_max,
        htk=True,
        norm=None,
        pad_mode="reflect",
    )
    expected = np.log(power + FLOOR).T
    expected -= expected.mean(axis=0)
    ours = LogMel(config)(torch.from_numpy(waveform)[None])[0].numpy()
    assert ours.shape == (101, 80)
    np.testing.assert_allclose(ours, expected, atol=2e-4)


def test_gain_does_not_matter(waveform):
    front = LogMel(FeatureConfig())
    batch = torch.from_numpy(np.stack([waveform, 0.003 * waveform]))
    loud, quiet = front(batch)
    torch.testing.assert_close(loud, quiet, atol=1e-4, rtol=0)


def test_an_offset_does_not_matter(waveform):
    front = LogMel(FeatureConfig())
    centred, offset = front(torch.from_numpy(np.stack([0.1 * waveform, 0.1 * waveform + 0.3])))
    torch.testing.assert_close(centred, offset, atol=1e-3, rtol=0)


def test_a_fixed_filter_hardly_matters(waveform):
    # A gain per band moves each log-mel by a constant, which the mean removal takes away.
    filtered = np.convolve(waveform, [1.0, -0.9], mode="same").astype(np.float32)
    front = LogMel(FeatureConfig())
    plain, coloured = front(torch.from_numpy(np.stack([waveform, filtered])))
    assert (plain - coloured)[:, 10:].abs().mean() < 0.1 * plain.abs().mean()


def test_the_mean_over_time_is_zero_and_rows_are_independent(waveform):
    front = LogMel(FeatureConfig())
    other = torch.randn(1, 16_000, generator=torch.Generator().manual_seed(0))
    both = front(torch.cat([torch.from_numpy(waveform)[None], other]))
    assert both.mean(dim=1).abs().max() < 1e-4
    torch.testing.assert_close(both[:1], front(torch.from_numpy(waveform)[None]), atol=1e-5, rtol=0)


def test_silence_gives_zeros_not_nan():
    silent = LogMel(FeatureConfig())(torch.zeros(1, 8_000))
    torch.testing.assert_close(silent, torch.zeros(1, 51, 80), atol=1e-5, rtol=0)


@pytest.mark.parametrize("config", [FeatureConfig(mels=256), FeatureConfig(f_min=50, f_max=60)])
def test_filters_without_a_frequency_are_refused(config):
    with pytest.raises(ConfigError, match="leave filters without a frequency"):
        LogMel(config)


def test_autocast_keeps_float32(waveform):
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert LogMel(FeatureConfig())(torch.from_numpy(waveform)[None]).dtype == torch.float32
