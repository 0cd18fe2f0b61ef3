import numpy as np
import pytest
import soundfile

from speakertrip.audio.augment.clips import Clips, list_clips
from speakertrip.audio.augment.mixing import power


def snr_db(clean, noisy):
    return 10 * np.log10(power(clean) / power(noisy - clean))


@pytest.mark.parametrize("table", ["recorded noise", "coloured noise", "babble"])
@pytest.mark.parametrize("level", [-5.0, 0.0, 12.5, 40.0])
def test_the_signal_to_noise_ratio_is_exact(build, tables, speech_like, table, level):
    clean = speech_like(2.0, 1)
    effect = build(tables[table] | {"snr_db": [level, level]})
    for draw in range(5):
        noisy = effect.transform(clean, np.random.default_rng(draw))
        assert snr_db(clean, noisy) == pytest.approx(level, abs=0.01)


def test_ratios_fill_their_range(build, speech_like):
    effect, said = build({"kind": "noise", "snr_db": [5, 25]}), []
    for draw in range(200):
        effect.transform(speech_like(0.1, 0), np.random.default_rng(draw), said.append)
    levels = [float(text.split()[-2]) for text in said]
    assert 5 <= min(levels) < 7
    assert 23 < max(levels) <= 25


def test_recorded_noise_is_a_stretch_of_a_clip(build, clip_folder):
    effect, said = build({"kind": "noise", "manifest": "musan/noise", "snr_db": [0, 0]}), []
    clean = np.ones(1_000, np.float32)
    seen = set()
    for draw in range(12):
        noise = effect.transform(clean, np.random.default_rng(draw), said.append) - clean
        name = said[-1].split()[1]
        clip, _ = soundfile.read(clip_folder / "musan/noise" / name, dtype="float32")
        places = np.lib.stride_tricks.sliding_window_view(clip, 1_000)
        alike = places @ noise / np.linalg.norm(places, axis=1) / np.linalg.norm(noise)
        assert alike.max() == pytest.approx(1, abs=1e-5)
        seen.add((name, int(alike.argmax())))
    assert len({name for name, _ in seen}) == 3
    assert len(seen) > 9


def test_coloured_noise_goes_from_white_to_brown(build):
    effect = build({"kind": "noise", "snr_db": [0, 0]})
    clean = np.zeros(32_000, np.float32)
    clean[0] = 1
    slopes = []
    for draw in range(40):
        noise = effect.transform(clean, np.random.default_rng(draw)) - clean
        powers = np.abs(np.fft.rfft(noise)[200:15_000]) ** 2  # 100 Hz to 7.5 kHz
        octaves = np.log2(np.arange(200, 15_000))
        slopes.append(np.polyfit(octaves, np.log2(powers), 1)[0])
    assert -2.2 < min(slopes) < -1.7
    assert -0.3 < max(slopes) < 0.2


def test_babble_is_a_sum_of_equally_loud_voices(build, clip_folder):
    """Two voices: the babble lies in the plane of two stretches, with the same weight in units of their level."""
    clips = Clips(list_clips(clip_folder / "musan/speech"), 0)

    class Recorder:
        lengths = clips.lengths

        def __init__(self):
            self.stretches = []

        def read(self, index, first, count):
            self.stretches.append(clips.read(index, first, count))
            return self.stretches[-1]

    recorder = Recorder()
    effect = build({"kind": "babble", "voices": [2, 2], "snr_db": [0, 0]}, voices=recorder)
    clean = np.ones(16_000, np.float32)
    babble = effect.transform(clean, np.random.default_rng(0)) - clean
    first, second = (stretch / np.sqrt(power(stretch)) for stretch in recorder.stretches)
    expected = first + second
    np.testing.assert_allclose(babble, expected / np.sqrt(power(expected)), atol=1e-5)


def test_the_number_of_voices_is_drawn(build, speech_like):
    effect, said = build({"kind": "babble", "manifest": "musan/speech", "voices": [3, 7]}), []
    for draw in range(100):
        effect.transform(speech_like(0.2, 0), np.random.default_rng(draw), said.append)
    assert {text.split()[2] for text in said} == {"3", "4", "5", "6", "7"}
