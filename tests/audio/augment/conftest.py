"""A small MUSAN and a small RIRS_NOISES, and effects of every kind that draw from them."""

import numpy as np
import pytest
import soundfile

from speakertrip.audio.augment import build_augmentation
from speakertrip.config import AugmentConfig


@pytest.fixture(scope="session")
def clip_folder(tmp_path_factory, speech_like):
    """Return a folder laid out as MUSAN and RIRS_NOISES are."""
    folder = tmp_path_factory.mktemp("clips")
    rng = np.random.default_rng(0)

    def write(name, waveform, rate=16_000, **options):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, waveform, rate, **options)

    for index in range(3):
        write(f"musan/noise/free-sound/noise-{index}.wav", 0.1 * rng.standard_normal(20_000 + 7_000 * index))
        write(f"musan/speech/librivox/speech-{index}.flac", speech_like(1.5 + index, index))
    write("musan/music/jamendo/music-0.wav", 0.2 * np.sin(np.arange(88_200) / 8), 44_100)
    (folder / "musan/noise/ANNOTATIONS").write_text("not audio\n")
    decay = np.exp(-np.arange(4_000) / 600)
    names = []
    for index in range(2):
        response = 0.1 * rng.standard_normal(4_000) * decay
        response[50 + index] = 1
        names.append(f"RIRS_NOISES/real_rirs_isotropic_noises/room-{index}.wav")
        write(names[-1], response)
    write("RIRS_NOISES/real_rirs_isotropic_noises/a-noise.wav", rng.standard_normal(9_000))
    lines = [f"--rir-id {index} --room-id r {name}\n" for index, name in enumerate(names)]
    (folder / "RIRS_NOISES/real_rirs_isotropic_noises/rir_list").write_text("".join(lines))
    return folder


@pytest.fixture(scope="session")
def build(clip_folder):
    """Return ``build(entries, ...)``: the effect that a chain of tables describes; its paths lie in ``clip_folder``."""

    def make(*entries, voices=None, folder=clip_folder, seed=0, **options):
        config = AugmentConfig.model_validate({"chain": list(entries), **options})
        return build_augmentation(config, folder, seed, lambda: voices)

    return make


@pytest.fixture(scope="session")
def tables():
    """Return a table for each kind of effect, as a configuration would hold it."""
    return {
        "recorded noise": {"kind": "noise", "manifest": "musan/noise"},
        "coloured noise": {"kind": "noise"},
        "babble": {"kind": "babble", "manifest": "musan/speech"},
        "reverb": {"kind": "reverb", "manifest": "RIRS_NOISES/real_rirs_isotropic_noises/rir_list"},
        "room": {"kind": "room", "count": 2, "reflections": 3},
        "opus": {"kind": "codec", "codecs": ["opus"]},
        "mp3": {"kind": "codec", "codecs": ["mp3"]},
        "mulaw": {"kind": "telephone", "codecs": ["mulaw"]},
        "alaw": {"kind": "telephone", "codecs": ["alaw"]},
        "gsm": {"kind": "telephone", "codecs": ["gsm"]},
        "band": {"kind": "band"},
        "equalize": {"kind": "equalize"},
        "gain": {"kind": "gain"},
    }
