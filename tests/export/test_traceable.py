import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from speakertrip.config import KaldiFbankConfig, SpeechBrainFbankConfig
from speakertrip.encoders.speechbrain_layers import ECAPA_TDNN
from speakertrip.export.traceable import PowerSpectrum, WholePooling, traceable
from speakertrip.features import HOP, KaldiFbank


@given(
    samples=st.integers(400, 6000),
    fft=st.sampled_from([400, 512]),
    padding=st.sampled_from(["reflect", "constant"]),
    seed=st.integers(0, 99),
)
def test_the_spectrum_is_that_of_the_fourier_transform(samples, fft, padding, seed):
    rng = np.random.default_rng(seed)
    waveforms = torch.from_numpy(
        rng.standard_normal((2, samples))
    )  # of double precision: of the two, the truth
    waveforms[1, samples // 2 :] = 0
    window = torch.hann_window(400)
    options = {"pad_mode": padding, "return_complex": True}
    expected = torch.stft(waveforms, fft, HOP, 400, window.double(), **options).abs().square()
    found = PowerSpectrum(window, fft, padding)(waveforms.float())
    assert found.shape == expected.shape
    assert (found - expected).abs().max() < 2e-6 * expected.max()


def test_the_features_are_those_of_the_front_end(make_model, features, speech_like):
    model = make_model(features=features)
    plain = traceable(model)
    assert sum(type(module) is PowerSpectrum for module in plain.modules()) == 1
    unit = (
        10 / np.log(10) if isinstance(features, SpeechBrainFbankConfig) else 1
    )  # decibels, in natural logarithms
    for seed, seconds in enumerate((0.1, 0.73, 3.0)):
        waveform = torch.from_numpy(speech_like(seconds, seed))
        batch = torch.stack([waveform, 0.1 * waveform + 0.01, waveform.flip(0).clamp(-0.1, 0.1)])
        with torch.inference_mode():
            difference = (plain.log_mel(batch) - model.log_mel(batch)).abs().max()
        assert difference < 1e-4 * unit


@pytest.mark.parametrize("frames", [1, 2, 50])
def test_pooling_of_whole_utterances_is_speechbrains(frames):
    torch.manual_seed(0)
    theirs = ECAPA_TDNN(
        24, channels=[16] * 4 + [48], attention_channels=8, res2net_scale=4, se_channels=8
    ).asp.eval()
    ours = WholePooling(torch.nn.Sequential(theirs.tdnn, theirs.tanh, theirs.conv), theirs.eps)
    x = torch.randn(3, 48, frames)
    torch.testing.assert_close(ours(x), theirs(x), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("encoder", ["ecapa", "resnet", "xvector"])
def test_the_model_stays_as_it_is(make_model, encoder):
    model = make_model(encoder).train()
    before = [type(module) for module in model.modules()]
    plain = traceable(model)
    assert [type(module) for module in model.modules()] == before
    assert model.training
    assert not plain.training
    waveforms = torch.randn(2, 5000)
    with torch.inference_mode():
        torch.testing.assert_close(plain(waveforms), model.eval()(waveforms), atol=1e-5, rtol=1e-4)


def test_another_front_end(make_model):
    model = make_model()
    model.log_mel = KaldiFbank(KaldiFbankConfig(mels=24))
    with pytest.raises(ValueError, match="the front end KaldiFbank has no form in ONNX"):
        traceable(model)
