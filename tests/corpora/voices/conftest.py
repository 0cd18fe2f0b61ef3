"""A voice, a channel without colour or much noise, and what is said with them."""

from dataclasses import replace

import numpy as np
import pytest

from speakertrip.corpora.voices import Channel, Voice, synthesize


@pytest.fixture(scope="session")
def man():
    return Voice(
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


@pytest.fixture(scope="session")
def flat():
    return Channel(equalisation=(), noise_color=0.0, snr=60.0, level=0.5)


@pytest.fixture(scope="session")
def say(man, flat):
    """Return ``say(seconds, seed, voice=, channel=)``: the utterance of a man over a flat channel, with changes."""

    def say(seconds=2.0, seed=0, voice=None, channel=None):
        rng = np.random.default_rng(seed)
        return synthesize(replace(man, **voice or {}), replace(flat, **channel or {}), seconds, rng)

    return say


@pytest.fixture(scope="session")
def power_spectrum():
    """Return ``measure(waveform)``: 257 powers from 0 Hz to 8 kHz, the mean over frames."""

    def measure(waveform):
        frames = np.lib.stride_tricks.sliding_window_view(waveform, 512)[::256] * np.hanning(512)
        return np.mean(np.abs(np.fft.rfft(frames, axis=1)) ** 2, axis=0)

    return measure
