import numpy as np
import pytest

from speakertrip.audio.augment.band import band_gains, limit_band


def tone(hertz, samples=16_000):
    return np.sin(2 * np.pi * hertz * np.arange(samples) / 16_000).astype(np.float32)


def gain(hertz, low, high):
    middle = slice(4_000, 12_000)
    return limit_band(tone(hertz), low, high)[middle].std() / tone(hertz)[middle].std()


@pytest.mark.parametrize("hertz", [310, 500, 1_000, 3_390])
def test_the_band_passes(hertz):
    assert gain(hertz, 300, 3_400) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("hertz", [50, 190, 3_510, 5_000, 7_900])
def test_the_rest_does_not(hertz):
    assert gain(hertz, 300, 3_400) < 1e-3


@pytest.mark.parametrize("hertz", [20, 4_000, 7_980])
def test_open_ends_cut_nothing(hertz):
    assert gain(hertz, 0, 8_000) == pytest.approx(1, abs=1e-3)


def test_gains_by_a_plain_loop():
    def plain(hertz, low, high):
        if hertz < low:
            return 0.5 + 0.5 * np.cos(np.pi * min(1, (low - hertz) / 100))
        if hertz > high:
            return 0.5 + 0.5 * np.cos(np.pi * min(1, (hertz - high) / 100))
        return 1

    for low, high in ((300, 3_400), (120.5, 5_000.25)):
        expected = [plain(8_000 * k / 1_000, low, high) for k in range(1_001)]
        np.testing.assert_allclose(band_gains(1_001, low, high), expected, atol=1e-6)


def test_a_click_is_not_moved_and_does_not_wrap():
    click = np.zeros(8_000, np.float32)
    click[0] = 1
    narrow = limit_band(click, 300, 3_400)
    assert np.abs(narrow).argmax() == 0
    assert np.abs(narrow[-4_000:]).max() < 1e-3


def test_ends_are_drawn_from_their_ranges(build):
    effect, said = build({"kind": "band", "low": [100, 200], "high": [3000, 4000]}), []
    for draw in range(100):
        effect.transform(tone(500, 800), np.random.default_rng(draw), said.append)
    low, high = np.array([[int(t.split()[2]), int(t.split()[4])] for t in said]).T
    assert 100 <= low.min() < 110 < 190 < low.max() <= 200
    assert 3_000 <= high.min() < 3_100 < 3_900 < high.max() <= 4_000
