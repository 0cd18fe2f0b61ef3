import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torchaudio.compliance import kaldi

from speakertrip.config import KaldiFbankConfig
from speakertrip.features import KaldiFbank, build_front_end


def theirs(waveform: torch.Tensor, mels: int, window: str) -> torch.Tensor:
    features = kaldi.fbank(waveform[None] * 32768, num_mel_bins=mels, window_type=window, dither=0.0)
    return features - features.mean(dim=0)


@given(
    mels=st.sampled_from([23, 40, 80]),
    window=st.sampled_from(["hamming", "povey"]),
    samples=st.integers(400, 9000),
    gain=st.sampled_from([1e-3, 0.1, 0.5]),
    seed=st.integers(0, 99),
)
def test_it_is_that_of_torchaudio(mels, window, samples, gain, seed):
    rng = np.random.default_rng(seed)
    waveforms = torch.from_numpy((gain * rng.standard_normal((2, samples)) + 0.1).astype(np.float32))
    waveforms[1, samples // 2 :] = 0
    ours = KaldiFbank(KaldiFbankConfig(mels=mels, window=window))(waveforms)
    assert ours.shape == (2, 1 + (samples - 400) // 160, mels)
    for row, waveform in zip(ours, waveforms, strict=True):
        torch.testing.assert_close(row, theirs(waveform, mels, window), atol=1e-3, rtol=0)


def test_of_speech(speech_like):
    waveform = torch.from_numpy(speech_like(1.0))
    ours = KaldiFbank(KaldiFbankConfig())(waveform[None])[0]
    torch.testing.assert_close(ours, theirs(waveform, 80, "hamming"), atol=1e-3, rtol=0)


def test_silence_is_finite_and_nothing_is_kept_with_the_weights():
    front = KaldiFbank(KaldiFbankConfig())
    assert front(torch.zeros(1, 1600)).abs().max() < 1e-5
    assert not front.state_dict()


def test_autocast_keeps_float32():
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert KaldiFbank(KaldiFbankConfig())(torch.randn(1, 8000)).dtype == torch.float32


@pytest.mark.parametrize("window", ["hamming", "povey"])
def test_the_configuration_says_which(window):
    front = build_front_end(KaldiFbankConfig(window=window))
    assert isinstance(front, KaldiFbank)
    assert float(front.window[0]) == pytest.approx(0.08 if window == "hamming" else 0.0, abs=1e-6)
