"""Audio of several rates under odd names, and utterances in it that any format must bring back."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from speakertrip.audio import decode
from speakertrip.manifests import Utterance

RATES = {"a.wav": 16_000, "b c, d.wav": 44_100, "é/語.flac": 8_000, "x'\"=1.wav": 48_000}
FRAMES = 30_011  # a prime: no whole number of anything


@pytest.fixture(scope="session")
def audio(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, int]:
    """Return files of noise, and their sample rates."""
    folder = tmp_path_factory.mktemp("audio")
    files = {}
    for seed, (name, rate) in enumerate(RATES.items()):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        noise = np.random.default_rng(seed).uniform(-0.5, 0.5, FRAMES)
        soundfile.write(path, noise, rate, subtype="PCM_16")
        files[path] = rate
    return files


@pytest.fixture(scope="session")
def samples() -> Callable[[Utterance], bytes]:
    """Return ``samples(utterance)``: what decoding it gives."""
    return lambda each: decode(each.path, each.start, each.duration)[0].tobytes()
