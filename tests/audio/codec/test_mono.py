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


@pytest.mark.parametrize("step", [50, 700, 8_192, 100_000])
def test_channels_that_cancel_in_half_of_a_file_are_refused(step):
    rng = np.random.default_rng(0)
    left = (0.1 * rng.standard_normal(60_000)).astype(np.float32)
    for first, last in [(0, 30_000), (30_000, 60_000), (20_000, 40_000)]:
        right = left.copy()
        right[first:last] *= -1
        block = np.stack([left, right], axis=1)
        with pytest.raises(AudioError, match="its channels cancel each other"):
            collect([block[at : at + step] for at in range(0, len(block), step)])
        assert collect([block[: first or last]], 1).shape == (first or last,)


def test_what_is_lost_is_what_a_plain_loop_finds():
    """Whatever the blocks: stretches of 8,192 samples, of each the energies of the mean and of the channels."""
    rng = np.random.default_rng(1)
    for trial in range(60):
        left = rng.standard_normal(rng.integers(1, 100_000)) * 10 ** rng.uniform(-3, 0)
        right = np.where(np.arange(len(left)) < rng.uniform(0, 0.3) * len(left), -left, left)
        block = np.stack([left, right], axis=1).astype(np.float32)
        lost = energy = 0.0
        for first in range(0, len(block), 8_192):
            stretch = block[first : first + 8_192].astype(np.float64)
            own = (stretch**2).mean(axis=1).sum()
            energy += own
            if (stretch.mean(axis=1) ** 2).sum() < 1e-3 * own:
                lost += own
        step = int(rng.integers(100, 20_000))
        blocks = [block[at : at + step] for at in range(0, len(block), step)]
        if lost > 0.1 * energy:
            with pytest.raises(AudioError):
                collect(blocks)
        else:
            assert len(collect(blocks)) == len(block), trial


def test_wide_stereo_is_no_fault(speech_like):
    """Microphones apart, rooms of their own, and a width as loud as the middle: loss of a mean, but not all of it."""
    speech = speech_like(4.0, 0)
    rng = np.random.default_rng(0)
    late = np.roll(speech, 16)
    tails = [rng.standard_normal(3_200) * np.exp(-np.arange(3_200) / 600) for _ in range(2)]
    first, second = (np.convolve(speech, tail)[: len(speech)] for tail in tails)
    side = np.roll(first * np.sqrt(np.mean(speech**2) / np.mean(first**2)), 800)
    for channels in ([speech, late], [first, second], [speech, -late], [speech + side, speech - side]):
        assert len(collect([np.stack(channels, axis=1) / 10])) == len(speech)


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
