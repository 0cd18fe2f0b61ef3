import numpy as np
import pytest


def test_gain_is_in_decibels(build, speech_like):
    waveform = speech_like(0.5, 0)
    louder = build({"kind": "gain", "db": [6, 6]}).transform(waveform, np.random.default_rng(0))
    np.testing.assert_allclose(louder, waveform * 10**0.3, rtol=1e-6)
    effect = build({"kind": "gain", "db": [-20, 10]})
    gains = [
        20 * np.log10(effect.transform(waveform, np.random.default_rng(d)).std() / waveform.std())
        for d in range(100)
    ]
    assert -20 <= min(gains) < -18
    assert 8 < max(gains) <= 10


@pytest.mark.parametrize("hertz", [100, 1_000, 5_000])
def test_equalisation_scales_a_tone_within_its_range(build, hertz):
    tone = np.sin(2 * np.pi * hertz * np.arange(32_000) / 16_000).astype(np.float32)
    effect = build({"kind": "equalize", "largest_db": 6})
    gains = [
        20 * np.log10(effect.transform(tone, np.random.default_rng(d)).std() / tone.std()) for d in range(30)
    ]
    assert max(np.abs(gains)) <= 6.1
    assert np.std(gains) > 1
