"""The README's way to run an export, where there is neither torch nor speakertrip."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from speakertrip.audio import load_waveform
from speakertrip.backend import pair_scores
from speakertrip.bundle import Bundle
from speakertrip.config import XVectorConfig
from speakertrip.embedding import Embedder
from speakertrip.export import export_onnx

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
(SNIPPET,) = (
    block
    for block in re.findall(r"^```python\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL)
    if "onnxruntime" in block
)
WITHOUT = "import sys; sys.modules.update(dict.fromkeys(('torch', 'torchaudio', 'speakertrip', 'onnx', 'librosa')))\n"


@pytest.fixture
def place(make_bundle, tmp_path, speech_like):
    """Return a folder as the README has it: a bundle, its export, and two files, one of them of two channels."""
    made = make_bundle(
        threshold=0.125, encoder=XVectorConfig(channels=16, pooling_channels=24, embedding_dim=12)
    )
    made.save(tmp_path / "bundle")
    export_onnx(tmp_path / "bundle", tmp_path / "runs" / "demo" / "speaker.onnx")
    soundfile.write(tmp_path / "reference.wav", speech_like(1.0, 0), 16_000)
    noise = 0.2 * np.random.default_rng(0).standard_normal((20_000, 2))
    soundfile.write(tmp_path / "probe.wav", noise, 16_000, subtype="FLOAT")
    return tmp_path


def run(place):
    command = [sys.executable, "-I", "-c", WITHOUT + SNIPPET]
    return subprocess.run(command, cwd=place, capture_output=True, text=True, check=False)


def test_its_cosine_is_that_of_the_bundle(place):
    done = run(place)
    assert done.stderr == ""
    cosine, name, threshold = done.stdout.split()
    assert (name, threshold) == ("threshold", "0.125")
    waveforms = [load_waveform(place / name) for name in ("reference.wav", "probe.wav")]
    embeddings = Embedder(Bundle.load(place / "bundle").model, "cpu").embed(waveforms)
    (expected,) = pair_scores(embeddings, embeddings, np.array([0]), np.array([1]))
    assert float(cosine) == pytest.approx(expected, abs=1e-5)


def test_another_rate_is_refused(place, speech_like):
    soundfile.write(place / "probe.wav", speech_like(1.0, 1), 8000)
    done = run(place)
    assert done.returncode
    assert "probe.wav has 8000 Hz; resample it to 16000" in done.stderr
