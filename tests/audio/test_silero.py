import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakertrip.audio import load_waveform
from speakertrip.audio.activity import total_seconds
from speakertrip.audio.detectors import make_detector
from speakertrip.audio.silero import WINDOW, find_stretches
from speakertrip.errors import UsageError

INSTALLED = all(importlib.util.find_spec(name) for name in ("silero_vad", "onnxruntime"))
OPENSPEECH = Path(__file__).parents[3] / "shared" / "openspeech"
needs_silero = pytest.mark.skipif(not INSTALLED, reason="needs silero-vad and onnxruntime")
needs_speech = pytest.mark.skipif(not OPENSPEECH.exists(), reason="needs ../shared/openspeech")

# In a process of its own, for the peer's import sets torch's thread count. Arguments: waveform, ours, peer's.
BOTH = """
import json, sys
import numpy as np
from speakertrip.audio.detectors import make_detector
detector = make_detector("silero")
waveform = np.load(sys.argv[1])
np.save(sys.argv[2], detector.probabilities(waveform))
assert "torch" not in sys.modules and "silero_vad" not in sys.modules

import torch
torch.set_num_threads(3)
make_detector("silero")(waveform)
assert torch.get_num_threads() == 3 and "silero_vad" not in sys.modules

from silero_vad import get_speech_timestamps, load_silero_vad
from silero_vad.utils_vad import get_speech_timestamps_from_probs
assert torch.get_num_threads() == 1  # what is to be avoided
model = load_silero_vad(onnx=True)
np.save(sys.argv[3], model.audio_forward(torch.from_numpy(waveform), 16000)[0].numpy())
stretches = [
    get_speech_timestamps_from_probs(row, audio_length_samples=512 * len(row) - 100) for row in json.load(sys.stdin)
]
stretches.append(get_speech_timestamps(torch.from_numpy(waveform), model))
print(json.dumps([[(each["start"], each["end"]) for each in row] for row in stretches]))
"""


@needs_silero
def test_the_peer(tmp_path, speech_like):
    """Probabilities and stretches are those of silero_vad's own code, and torch's threads are left alone."""
    rng = np.random.default_rng(1)
    parts = [
        rng.standard_normal(9_000) * 0.01,
        speech_like(3.0, 1),
        np.zeros(7_000),
        speech_like(2.0, 2)[:-123],
    ]
    if OPENSPEECH.exists():
        with (OPENSPEECH / "manifest.dev.jsonl").open() as lines:
            parts += [
                load_waveform(OPENSPEECH / json.loads(line)["path"])
                for line, _ in zip(lines, "abc", strict=False)
            ]
    waveform = np.concatenate(parts).astype(np.float32)
    rng = np.random.default_rng(0)
    drawn = [np.repeat(rng.random(60), 1 + row % 9)[: 60 - row % 7] for row in range(40)]
    files = [tmp_path / f"{name}.npy" for name in ("waveform", "ours", "peer")]
    np.save(files[0], waveform)
    done = subprocess.run(
        [sys.executable, "-c", BOTH, *map(str, files)],
        input=json.dumps([row.tolist() for row in drawn]),
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    *of_drawn, of_waveform = json.loads(done.stdout)
    ours, peer = np.load(files[1]), np.load(files[2])

    assert ours.shape == (-(-len(waveform) // WINDOW),)
    np.testing.assert_allclose(ours, peer, atol=1e-6)
    assert [list(each) for each in find_stretches(ours, len(waveform))] == of_waveform
    assert any(of_drawn)
    for probabilities, expected in zip(drawn, of_drawn, strict=True):
        found = find_stretches(probabilities, 512 * len(probabilities) - 100)
        assert [list(each) for each in found] == expected


@needs_silero
@needs_speech
def test_real_speech_and_what_is_none():
    detector = make_detector("silero")
    with (OPENSPEECH / "manifest.dev.jsonl").open() as lines:
        row = json.loads(next(lines))
    speech = load_waveform(OPENSPEECH / row["path"])
    assert total_seconds(detector(speech)) > 0.3 * len(speech) / 16_000
    steps = np.arange(32_000) / 16_000
    music = sum(np.sin(2 * np.pi * hertz * steps) for hertz in (262, 330, 392)) * (steps % 0.5 < 0.4)
    assert total_seconds(make_detector("energy")((0.2 * music).astype(np.float32))) > 1
    assert detector((0.2 * music).astype(np.float32)) == []


@needs_silero
@pytest.mark.parametrize("samples", [0, 1, 511, 512, 513])
def test_short_waveforms(samples):
    detector = make_detector("silero")
    waveform = np.zeros(samples, np.float32)
    assert detector.probabilities(waveform).shape == (-(-samples // WINDOW),)
    assert detector(waveform) == []


@given(
    st.lists(st.sampled_from([0.0, 0.2, 0.4, 0.6, 1.0]), max_size=80),
    st.lists(st.integers(1, 12), max_size=80),
    st.integers(0, WINDOW - 1),
)
def test_any_probabilities_give_stretches_in_order(levels, repeats, missing):
    probabilities = np.array([p for p, n in zip(levels, repeats, strict=False) for _ in range(n)], np.float32)
    samples = max(0, len(probabilities) * WINDOW - missing)
    flat = [place for stretch in find_stretches(probabilities, samples) for place in stretch]
    assert flat == sorted(flat)
    assert all(0 <= place <= samples for place in flat)


@pytest.mark.parametrize("absent", ["silero_vad", "onnxruntime"])
def test_the_extra_is_missing(monkeypatch, absent):
    found = importlib.util.find_spec
    monkeypatch.setattr(
        "speakertrip.audio.silero.find_spec", lambda name: None if name == absent else found(name)
    )
    with pytest.raises(
        UsageError, match=r"^The Silero detector needs .* pip install 'speakertrip\[silero\]'\.$"
    ):
        make_detector("silero")
