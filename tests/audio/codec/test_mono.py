import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakertrip.audio.codec.mono import MonoBuffer
from speakertrip.errors import AudioError


def collect(blocks, channel=None):
    mono = MonoBuffer(channel, "a.wav")
    for block in blocks:
        mono.add(np.asarray(block, np.float32))
    return mono.finish()


@given(st.lists(st.integers(0, 50), max_size=20), st.integers(1, 9), st.integers(0, 2**31))
def test_blocks_come_out_as_their_mean_or_a_channel(sizes, channels, seed):
    rng = np.random.default_rng(seed)
    blocks = [rng.uniform(-1, 1, (size, channels)).astype(np.float32) for size in sizes]
    whole = np.concatenate([np.zeros((0, channels), np.float32), *blocks])
    waveform = collect(blocks)
    assert waveform.dtype == np.float32
    np.testing.assert_allclose(waveform, whole.mean(axis=1), atol=1e-6)
    np.testing.assert_array_equal(collect(blocks, channels - 1), whole[:, -1])


def test_channels_that_cancel_are_refused_and_one_can_be_named():
    left = np.random.default_rng(0).uniform(-0.5, 0.5, 1_000).astype(np.float32)
    for gain in (-1.0, -0.95):
        block = np.stack([left, gain * left], axis=1)
        with pytest.raises(AudioError, match=r"a\.wav: its channels cancel each other.*channel="):
            collect([block[:300], block[300:]])
        np.testing.assert_array_equal(collect([block], 0), left)


@pytest.mark.parametrize("channels", [2, 8, 64])
def test_channels_that_do_not_cancel(channels):
    rng = np.random.default_rng(0)
    independent = rng.standard_normal((4_000, channels)).astype(np.float32)
    assert len(collect([independent])) == 4_000
    one = np.zeros((4_000, channels), np.float32)
    one[:, -1] = independent[:, 0]
    np.testing.assert_allclose(collect([one]), one[:, -1] / channels, atol=1e-7)
    assert not collect([np.zeros((100, channels))]).any()


@pytest.mark.parametrize("channel", [2, 7, -1])
def test_a_channel_that_is_not_there(channel):
    with pytest.raises(
        AudioError, match=rf"a\.wav has 2 channels, counted from 0; there is no channel {channel}"
    ):
        collect([np.zeros((5, 2))], channel)


def test_memory_follows_what_is_added():
    mono = MonoBuffer(None, "a.wav")
    for _ in range(100):
        mono.add(np.ones((1_000, 1), np.float32))
    assert len(mono._samples) <= 200_000
    assert len(mono.finish()) == 100_000
