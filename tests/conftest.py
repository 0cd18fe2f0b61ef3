"""What several test files share: a waveform like speech, trees of small audio files, and hypothesis settings."""

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile
from hypothesis import settings

Waveform = npt.NDArray[np.float32]

# No deadline: a busy machine is no failure. Derandomized: a run depends on the commit alone.
settings.register_profile("speakertrip", deadline=None, derandomize=True, max_examples=60)
settings.load_profile("speakertrip")


@pytest.fixture(scope="session")
def speech_like() -> Callable[[float, int], Waveform]:
    """Return ``make(seconds, seed)``: 16 kHz, syllables of a buzzing voice with pauses, peak about 0.5."""

    def make(seconds: float, seed: int = 0) -> Waveform:
        rng = np.random.default_rng(seed)
        t = np.arange(round(seconds * 16_000)) / 16_000
        pitch = rng.uniform(90, 220)
        buzz = sum(np.sin(2 * np.pi * pitch * k * t) / k for k in range(1, 16))
        syllables = np.clip(np.sin(2 * np.pi * rng.uniform(3, 5) * t + rng.uniform(0, 6)), 0, None)
        wave = buzz * syllables + 0.01 * rng.standard_normal(len(t))
        return (0.5 * wave / np.abs(wave).max()).astype(np.float32)

    return make


@pytest.fixture(scope="session")
def write_tree(speech_like: Callable[[float, int], Waveform]) -> Callable[[Path, Iterable[str]], None]:
    """Return ``write(root, names)``: a 0.5 s file of audio for each relative name, in the format of its suffix."""

    def write(root: Path, names: Iterable[str]) -> None:
        for seed, name in enumerate(names):
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(path, speech_like(0.5, seed), 16_000)

    return write


@pytest.fixture(scope="session")
def write_m4a() -> Callable[..., None]:
    """Return ``write(path, channels, rate)`` for float32 ``(channels, samples)``; skips where av cannot."""
    av = pytest.importorskip("av")

    def write(path: Path, channels: Waveform, rate: int, container: str = "ipod", codec: str = "aac") -> None:
        layout = "mono" if len(channels) == 1 else "stereo"
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(channels), format="fltp", layout=layout)
        frame.sample_rate = rate
        try:
            with av.open(str(path), "w", format=container) as output:
                stream = output.add_stream(codec, rate=rate, layout=layout)
                for each in (frame, None):
                    output.mux(stream.encode(each))
        except av.codec.codec.UnknownCodecError:
            pytest.skip(f"av has no encoder for {codec}")

    return write


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder for the whole module, which property tests may use example after example."""
    return tmp_path_factory.mktemp("scratch")
