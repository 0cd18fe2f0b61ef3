"""A manifest that is embedded by two processes of torchrun."""

import os
import subprocess
import sys

import pytest

from speakertrip.bundle import Bundle
from speakertrip.embedding import Embedder, embed_folder
from speakertrip.embedding.embedder import CHUNK
from speakertrip.manifests import Utterance, read_manifest, write_manifest

PATIENCE = 300  # seconds; of a busy machine


@pytest.fixture
def place(tmp_path, monkeypatch, write_speech):
    """Write a manifest of four chunks, the first of a file of its own; bad.jsonl has one more that cannot be used."""
    monkeypatch.chdir(tmp_path)
    files = [write_speech(tmp_path / name, 0, 8.0) for name in ("first.wav", "rest.wav")]
    rows = [
        Utterance(f"u{row:03}", files[row >= CHUNK], "s", start=row / 32, duration=0.5 + row % 3 / 10)
        for row in range(200)
    ]
    write_manifest("m.jsonl", rows)
    write_manifest("bad.jsonl", [*rows[:100], Utterance("bad", tmp_path / "absent.wav", "s"), *rows[100:]])
    return tmp_path


def torchrun(bundle, manifest):
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    verb = ["-m", "speakertrip", "embed", "--model", bundle, "--manifest", manifest, "--out", "two"]
    return subprocess.run(
        [*launcher, *verb, "--device", "cpu", "--threads", "1"],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != ".embed.lock"}


class KilledError(Exception):
    """As a kill: nothing in the package catches it."""


def killed(utterances: int) -> None:
    if utterances:
        raise KilledError


def test_two_processes_go_on_to_the_bytes_of_one(place, speakertrip, bundle_folder):
    call = ("embed", "--model", bundle_folder, "--manifest", "m.jsonl", "--out", "one", "--device", "cpu")
    assert speakertrip(*call, "--threads", 1)[0] == 0
    bundle, utterances = Bundle.load(bundle_folder), read_manifest("m.jsonl")
    with pytest.raises(KilledError):
        embed_folder(Embedder(bundle.model, "cpu", 1), bundle.identity, utterances, "two", killed)
    (place / "first.wav").unlink()  # what is done is not read again
    done = torchrun(bundle_folder, "m.jsonl")
    assert (done.returncode, done.stdout) == (0, "two: 200 embeddings of 24 numbers\n"), done.stderr
    assert content(place / "two") == content(place / "one")
    assert set(content(place / "two")) == {"embeddings.npy", "ids.txt", "embed.json"}


def test_a_bad_utterance_ends_both_processes(place, bundle_folder):
    done = torchrun(bundle_folder, "bad.jsonl")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("Utterance bad: ") == 1
    assert "exitcode  : 3 " in done.stderr
    assert not (place / "two" / "embeddings.npy").exists()
