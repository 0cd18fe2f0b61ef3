import numpy as np
import pytest

from speakertrip.audio import SAMPLE_RATE
from speakertrip.corpora.voices import draw_channel, draw_voice, synthesize
from speakertrip.errors import UsageError


def measured_f0(waveform):
    """Median over frames of the lag that maximises the autocorrelation, among clearly periodic frames."""
    lags = np.arange(SAMPLE_RATE // 400, SAMPLE_RATE // 60)
    frames = np.lib.stride_tricks.sliding_window_view(waveform.astype(float), 1024)[::160]
    power = np.abs(np.fft.rfft(frames, 4096, axis=1)) ** 2
    overlap = (1 - np.arange(4096) / 1024).clip(0.5)  # a long lag leaves fewer products
    correlation = np.fft.irfft(power, axis=1) / overlap
    correlation = correlation[:, lags] / correlation[:, :1]
    best = correlation.max(axis=1, keepdims=True)
    # The first lag about as good as the best: a whole number of periods fits as well as one.
    first = np.argmax(correlation > 0.97 * best, axis=1)[best[:, 0] > 0.8]
    assert len(first) > 20
    return np.median(SAMPLE_RATE / lags[first])


def test_same_generator_state_gives_the_same_samples_and_another_gives_others(say):
    assert np.array_equal(say(seed=3), say(seed=3))
    assert not np.array_equal(say(seed=3), say(seed=4))


@pytest.mark.parametrize("seed", range(8))
def test_drawn_voices_over_drawn_channels_are_finite_and_peak_at_the_level(seed):
    rng = np.random.default_rng(seed)
    voice, channel = draw_voice(rng), draw_channel(rng)
    waveform = synthesize(voice, channel, 1.3, rng)
    assert waveform.dtype == np.float32
    assert waveform.shape == (20_800,)
    assert np.isfinite(waveform).all()
    assert np.abs(waveform).max() == pytest.approx(channel.level, rel=1e-5)
    assert 0.3 <= channel.level <= 0.9
    assert abs(waveform.mean()) < 0.01
    # Speech, no click: the power is not in a few samples.
    assert channel.level / np.sqrt(np.mean(waveform**2)) < 20


@pytest.mark.parametrize("seed", range(20))
def test_the_shortest_utterance_holds_sound(say, seed):
    waveform = say(seconds=0.3, seed=seed, channel={"snr": 200.0})
    assert len(waveform) == 4_800
    assert np.abs(waveform).max() == pytest.approx(0.5)


@pytest.mark.parametrize("seconds", [0.0, -1.0, 0.29, float("nan"), float("inf")])
def test_a_length_below_the_least_is_refused(say, seconds):
    with pytest.raises(UsageError, match=r"must last 0\.3 seconds or more"):
        say(seconds=seconds)


@pytest.mark.parametrize("f0", [90.0, 130.0, 210.0])
def test_measured_pitch_is_near_the_voices(say, f0):
    waveform = say(seconds=3.0, voice={"f0": f0, "f0_spread": 1.0})
    assert measured_f0(waveform) == pytest.approx(f0, rel=0.08)
