import numpy as np

from speakertrip.corpora.voices import draw_voice


def test_drawn_speakers_differ_and_stay_human():
    voices = [draw_voice(np.random.default_rng(seed)) for seed in range(200)]
    assert len(set(voices)) == 200
    f0 = np.array([voice.f0 for voice in voices])
    tract = np.array([voice.tract_factor for voice in voices])
    assert f0.min() > 80
    assert f0.max() < 330
    assert np.corrcoef(np.log(f0), np.log(tract))[0, 1] > 0.4  # a high voice tends to have a short tract
