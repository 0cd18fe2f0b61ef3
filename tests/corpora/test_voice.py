from dataclasses import replace

import numpy as np
import pytest
from scipy.signal import freqz

from speakertrip.audio import SAMPLE_RATE
from speakertrip.corpora.voice import (
    BANDWIDTHS,
    FRAME,
    Channel,
    Voice,
    _cascade,
    _compose,
    _tilt,
    draw_channel,
    draw_voice,
    synthesize,
)
from speakertrip.errors import UsageError

FLAT = Channel(equalisation=(), noise_color=0.0, snr=60.0, level=0.5)
MAN = Voice(
    f0=110.0,
    f0_spread=1.5,
    tract_factor=1.0,
    formant_offsets=(1.0,) * 7,
    bandwidth_factor=1.0,
    open_quotient=0.6,
    tilt=4.0,
    breathiness=-30.0,
    jitter=0.005,
    shimmer=0.03,
    rate=4.5,
)


def say(voice=MAN, channel=FLAT, seconds=2.0, seed=0):
    return synthesize(voice, channel, seconds, np.random.default_rng(seed))


def measured_f0(waveform):
    """Median over frames of the lag that maximises the autocorrelation, among clearly periodic frames."""
    lags = np.arange(SAMPLE_RATE // 400, SAMPLE_RATE // 60)
    frames = np.lib.stride_tricks.sliding_window_view(waveform.astype(float), 1024)[::160]
    power = np.abs(np.fft.rfft(frames, 4096, axis=1)) ** 2
    correlation = np.fft.irfft(power, axis=1) / (1 - np.arange(4096) / 1024).clip(
        0.5
    )  # fewer products overlap
    correlation = correlation[:, lags] / correlation[:, :1]
    best = correlation.max(axis=1, keepdims=True)
    # The first lag about as good as the best: a whole number of periods fits as well as one.
    first = np.argmax(correlation > 0.97 * best, axis=1)[best[:, 0] > 0.8]
    assert len(first) > 20
    return np.median(SAMPLE_RATE / lags[first])


def power_spectrum(waveform):
    frames = np.lib.stride_tricks.sliding_window_view(waveform, 512)[::256] * np.hanning(512)
    return np.mean(np.abs(np.fft.rfft(frames, axis=1)) ** 2, axis=0)


def test_same_generator_state_gives_the_same_samples_and_another_gives_others():
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
def test_the_shortest_utterance_holds_sound(seed):
    waveform = say(channel=replace(FLAT, snr=200.0), seconds=0.3, seed=seed)
    assert len(waveform) == 4_800
    assert np.abs(waveform).max() == pytest.approx(0.5)


@pytest.mark.parametrize("seconds", [0.0, -1.0, 0.29, float("nan"), float("inf")])
def test_a_length_below_the_least_is_refused(seconds):
    with pytest.raises(UsageError, match=r"must last 0\.3 seconds or more"):
        say(seconds=seconds)


@pytest.mark.parametrize("f0", [90.0, 130.0, 210.0])
def test_measured_pitch_is_near_the_voices(f0):
    voice = replace(MAN, f0=f0, f0_spread=1.0)
    assert measured_f0(say(voice, seconds=3.0)) == pytest.approx(f0, rel=0.08)


def test_pitch_and_formants_stay_in_range_and_voiced_frames_have_the_spread():
    score = _compose(replace(MAN, f0_spread=2.0), 800, np.random.default_rng(0))
    voiced = score.voicing > 0.3
    assert np.std(12 * np.log2(score.f0[voiced])) == pytest.approx(2.0, abs=0.5)
    assert score.formants.min() >= 150
    assert score.formants.max() < SAMPLE_RATE / 2
    assert (np.diff(score.formants[:, :3], axis=1) > 0).all()
    assert 0.3 < voiced.mean() < 0.95


def test_a_shorter_tract_moves_the_envelope_up_by_its_factor():
    long_tract, short_tract = (
        power_spectrum(say(replace(MAN, tract_factor=f), seconds=6.0)) for f in (1.0, 1.2)
    )
    hertz = np.fft.rfftfreq(512, 1 / SAMPLE_RATE)
    band = np.linspace(300, 4000, 200)
    warped = {
        factor: np.corrcoef(
            np.log(np.interp(band, hertz, long_tract)), np.log(np.interp(band * factor, hertz, short_tract))
        )[0, 1]
        for factor in (0.83, 1.0, 1.2)
    }
    assert max(warped, key=lambda factor: warped[factor]) == 1.2


@pytest.mark.parametrize("loss", [0.5, 6.0, 14.0])
def test_tilt_is_the_loss_at_3_khz(loss):
    impulse = np.zeros(1600)
    impulse[0] = 1.0
    gain = np.abs(np.fft.rfft(_tilt(impulse, loss)))
    assert gain[0] == pytest.approx(1)
    assert 20 * np.log10(gain[300]) == pytest.approx(-loss, abs=0.01)


def test_a_breathy_voice_has_more_noise_at_high_frequencies():
    breathy, clear = (power_spectrum(say(replace(MAN, breathiness=level))) for level in (-6.0, -40.0))
    assert breathy[96:].sum() / breathy.sum() > 1.5 * clear[96:].sum() / clear.sum()  # above 3 kHz


@pytest.mark.parametrize("snr", [0.0, 10.0, 25.0])
def test_noise_lies_below_the_speech_by_the_stated_ratio(snr):
    clean = say(channel=replace(FLAT, snr=200.0)).astype(float)
    noisy = say(channel=replace(FLAT, snr=snr, noise_color=1.0)).astype(float)
    speech = clean * (clean @ noisy) / (clean @ clean)
    noise = noisy - speech
    assert 10 * np.log10(np.mean(speech**2) / np.mean(noise**2)) == pytest.approx(snr, abs=0.3)
    # Pink noise: the octave from 500 Hz to 1 kHz holds what the one from 2 to 4 kHz holds.
    spectrum = power_spectrum(noise)
    assert 10 * np.log10(spectrum[16:32].sum() / spectrum[64:128].sum()) == pytest.approx(0, abs=1.5)


def test_equalisation_is_a_cosine_series_in_decibels_over_mel():
    plain = power_spectrum(say(channel=replace(FLAT, snr=200.0)))
    shaped = power_spectrum(say(channel=replace(FLAT, snr=200.0, equalisation=(6.0,))))
    gain = 10 * np.log10(shaped / plain)
    hertz = np.fft.rfftfreq(512, 1 / SAMPLE_RATE)
    middle = np.argmin(np.abs(hertz - 1742))  # half the mels of 8 kHz
    assert gain[10] - gain[middle] == pytest.approx(
        6 * np.cos(np.pi * np.log1p(312.5 / 700) / 2.5208), abs=0.7
    )
    assert gain[middle] - gain[240] == pytest.approx(6.0, abs=0.7)


def test_the_cascade_has_the_response_of_its_resonators():
    formants = np.array([500.0, 1500, 2500, 3500, 4500, 5500, 6500])
    impulse = np.zeros(40 * FRAME)
    impulse[0] = 1.0
    got = np.fft.rfft(_cascade(impulse, np.tile(formants, (40, 1)), BANDWIDTHS))
    wanted = np.ones(len(got), complex)
    for formant, bandwidth in zip(formants, BANDWIDTHS, strict=True):
        c = -np.exp(-2 * np.pi * bandwidth / SAMPLE_RATE)
        b = 2 * np.exp(-np.pi * bandwidth / SAMPLE_RATE) * np.cos(2 * np.pi * formant / SAMPLE_RATE)
        wanted *= freqz([1 - b - c], [1, -b, -c], np.linspace(0, np.pi, len(got)))[1]
    assert np.abs(got - wanted).max() < 1e-3 * np.abs(wanted).max()
    assert abs(got[0] - 1) < 1e-6


def test_drawn_speakers_differ_and_stay_human():
    voices = [draw_voice(np.random.default_rng(seed)) for seed in range(200)]
    assert len(set(voices)) == 200
    f0 = np.array([voice.f0 for voice in voices])
    tract = np.array([voice.tract_factor for voice in voices])
    assert f0.min() > 80
    assert f0.max() < 330
    assert np.corrcoef(np.log(f0), np.log(tract))[0, 1] > 0.4  # a high voice tends to have a short tract
