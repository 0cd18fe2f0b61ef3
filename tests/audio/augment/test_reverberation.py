import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakertrip.audio.augment.mixing import power
from speakertrip.audio.augment.reverberation import reverberate


def plain(waveform, response):
    """Convolve in full, cut from the direct path on, and restore the energy."""
    direct = int(np.abs(response).argmax())
    wet = np.convolve(waveform.astype(float), response.astype(float))[direct : direct + len(waveform)]
    wet /= abs(response[direct])
    return wet * np.sqrt(np.mean(waveform.astype(float) ** 2) / np.mean(wet**2))


@given(st.integers(1, 3_000), st.integers(1, 3_000), st.integers(0, 2**31))
def test_it_is_the_plain_convolution(samples, taps, seed):
    rng = np.random.default_rng(seed)
    waveform = rng.standard_normal(samples).astype(np.float32)
    response = (rng.standard_normal(taps) * np.exp(-np.arange(taps) / 400)).astype(np.float32)
    expected = plain(waveform, response)
    np.testing.assert_allclose(
        reverberate(waveform, response), expected, atol=3e-5 * max(1, np.abs(expected).max())
    )


def test_the_direct_path_is_not_shifted():
    click = np.zeros(1_000, np.float32)
    click[300] = 1
    response = np.zeros(800, np.float32)
    response[[120, 400]] = -2, 1  # the direct path, and an echo 280 samples later
    wet = reverberate(click, response)
    assert np.abs(wet).argmax() == 300
    assert wet[580] / wet[300] == pytest.approx(-0.5, abs=1e-5)


def test_the_energy_is_kept(build, tables, speech_like):
    waveform = speech_like(2.0, 2)
    for kind in ("reverb", "room"):
        wet = build(tables[kind]).transform(waveform, np.random.default_rng(0))
        assert power(wet) == pytest.approx(power(waveform), rel=1e-5)
        assert not np.allclose(wet, waveform, atol=0.01)


@pytest.mark.parametrize("response", [np.zeros(10), np.zeros(1)])
def test_a_silent_response_changes_nothing(response):
    waveform = np.ones(50, np.float32)
    assert reverberate(waveform, response.astype(np.float32)) is waveform


def test_an_echo_beyond_the_end_leaves_the_waveform():
    waveform = np.zeros(50, np.float32)
    waveform[-1] = 1
    np.testing.assert_allclose(reverberate(waveform, np.array([1, 0.5], np.float32)), waveform, atol=1e-6)
