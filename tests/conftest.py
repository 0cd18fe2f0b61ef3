"""What several test files share: audio like speech, small bundles of random weights, and hypothesis settings."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pytest
import soundfile
from hypothesis import settings

from speakertrip.config import EcapaConfig, EncoderConfig, FeatureConfig

if TYPE_CHECKING:
    from speakertrip.bundle import Bundle

Waveform = npt.NDArray[np.float32]
SMALL_ECAPA = EcapaConfig(channels=16, embedding_dim=24, attention_channels=8, se_channels=8, res2net_scale=4)

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


@pytest.fixture(scope="session")
def make_bundle() -> Callable[..., "Bundle"]:
    """Return ``make(threshold, seed, encoder)``: a small model of random weights; it tells no voices apart."""
    import torch

    from speakertrip.bundle import Bundle, Calibration, SpeakerModel

    def make(threshold: float = -1.0, seed: int = 0, encoder: EncoderConfig = SMALL_ECAPA) -> "Bundle":
        torch.manual_seed(seed)
        features = FeatureConfig(mels=40)
        calibration = Calibration(threshold=threshold, eer=0.5, trials=8, targets=4, speakers=4)
        return Bundle(features, encoder, SpeakerModel(features, encoder), calibration, "# A test\n")

    return make


@pytest.fixture(scope="session")
def bundle_folder(make_bundle: Callable[..., "Bundle"], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a saved bundle whose threshold every score reaches: it accepts everybody."""
    folder = tmp_path_factory.mktemp("bundles") / "accepts"
    make_bundle().save(folder)
    return folder


@pytest.fixture(scope="session")
def rejecting_folder(make_bundle: Callable[..., "Bundle"], bundle_folder: Path) -> Path:
    """Return the same model with a threshold that no score reaches: it rejects everybody."""
    folder = bundle_folder.with_name("rejects")
    make_bundle(threshold=1.1).save(folder)
    return folder


@pytest.fixture(scope="session")
def uncalibrated_folder(make_bundle: Callable[..., "Bundle"], bundle_folder: Path) -> Path:
    """Return the same model without a threshold, as one from elsewhere has none."""
    folder = bundle_folder.with_name("uncalibrated")
    replace(make_bundle(), calibration=None).save(folder)
    return folder


@pytest.fixture(scope="session")
def write_speech(speech_like: Callable[[float, int], Waveform]) -> Callable[..., Path]:
    """Return ``write(path, seed, seconds)``: a file of audio like speech; returns its path."""

    def write(path: Path, seed: int = 0, seconds: float = 0.8) -> Path:
        soundfile.write(path, speech_like(seconds, seed), 16_000)
        return path

    return write
