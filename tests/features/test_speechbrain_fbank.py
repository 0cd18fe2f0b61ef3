import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from speechbrain.lobes.features import Fbank
from speechbrain.processing.features import InputNormalization

import speakertrip.encoders.speechbrain_layers  # noqa: F401 - it calms what speechbrain leaves behind
from speakertrip.config import FeatureConfig, SpeechBrainFbankConfig
from speakertrip.features import LogMel, SpeechBrainFbank, build_front_end


def theirs(waveforms: torch.Tensor, mels: int, **options) -> torch.Tensor:
    features = Fbank(n_mels=mels, **options)(waveforms)
    return InputNormalization(norm_type="sentence", std_norm=False)(features, torch.ones(len(waveforms)))


@given(
    mels=st.sampled_from([24, 40, 80]),
    samples=st.integers(400, 9000),
    gain=st.sampled_from([1e-5, 0.01, 0.5, 3.0]),
    seed=st.integers(0, 99),
)
def test_it_is_that_of_speechbrain(mels, samples, gain, seed):
    rng = np.random.default_rng(seed)
    waveforms = torch.from_numpy((gain * rng.standard_normal((2, samples))).astype(np.float32))
    waveforms[1, samples // 2 :] = 0
    ours = SpeechBrainFbank(SpeechBrainFbankConfig(mels=mels))(waveforms)
    assert ours.shape == (2, 1 + samples // 160, mels)
    torch.testing.assert_close(ours, theirs(waveforms, mels), atol=2e-4, rtol=0)  # decibels, of a range of 80


def test_another_band(speech_like):
    waveform = torch.from_numpy(speech_like(1.0))[None]
    ours = SpeechBrainFbank(SpeechBrainFbankConfig(mels=40, f_min=300, f_max=3400))(waveform)
    torch.testing.assert_close(ours, theirs(waveform, 40, f_min=300, f_max=3400), atol=2e-4, rtol=0)


def test_rows_are_independent_and_silence_is_finite(speech_like):
    front = SpeechBrainFbank(SpeechBrainFbankConfig())
    both = torch.from_numpy(np.stack([speech_like(1.0), np.zeros(16_000, np.float32)]))
    torch.testing.assert_close(front(both)[:1], front(both[:1]), atol=1e-4, rtol=0)
    assert (front(both)[1] == 0).all()


def test_nothing_of_it_is_kept_with_the_weights():
    assert not SpeechBrainFbank(SpeechBrainFbankConfig()).state_dict()


def test_autocast_keeps_float32():
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert SpeechBrainFbank(SpeechBrainFbankConfig())(torch.randn(1, 8000)).dtype == torch.float32


@pytest.mark.parametrize(
    ("config", "kind"), [(FeatureConfig(), LogMel), (SpeechBrainFbankConfig(), SpeechBrainFbank)]
)
def test_the_configuration_says_which(config, kind):
    assert type(build_front_end(config)) is kind
