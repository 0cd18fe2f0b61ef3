"""Runs that are killed by SIGKILL and resumed; ``benchmarks/kill.py`` does it thirty times, at random moments."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.kill import differences
from speakertrip.cli import run
from speakertrip.corpora.synthetic import write_synthetic_corpus

ROOT = Path(__file__).parents[2]
ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
CONFIG = """
data = { crop_seconds = 0.5, speeds = [1.0] }
encoder = { kind = "xvector", channels = 8, pooling_channels = 8, embedding_dim = 8 }
batch = { speakers = 4, utterances = 2 }
optimizer = { steps = 20, warmup_steps = 1 }
validation = { speakers = 3, every = 5, nontargets = 50 }
checkpoint = { every = 1 }
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_killed_before_and_within_operations_on_its_files_a_run_ends_as_if_it_were_not(tmp_path):
    script = Path(__file__).with_name("kill_points.py")
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path), "5"],
        stdout=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
        check=True,
    )
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(rows) == 5 + 1
    assert rows[-1]["before"] == "the second half of a checkpoint"
    assert rows[0]["of"] > 40
    assert [row for row in rows if not row["died"] or row["wrong"]] == []


def test_killed_on_the_command_line_it_goes_on_from_its_checkpoint(tmp_path, capsys):
    write_synthetic_corpus(tmp_path / "data", train_speakers=8, test_speakers=2, utterances=2, seconds=1.0)
    (tmp_path / "config.toml").write_text(CONFIG)

    def arguments(name):
        options = ["--data", f"{tmp_path}/data", "--out", f"{tmp_path}/{name}", "--threads", "1", "--resume"]
        return ["train", f"{tmp_path}/config.toml", *options]

    command = [sys.executable, "-m", "speakertrip", *arguments("killed")]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT) as process:
        assert "no checkpoint in" in process.stderr.readline()  # a restart loop has one command
        while not process.stderr.readline().startswith("step 5/"):
            assert process.poll() is None
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert run(arguments("killed")) == 0
    first = capsys.readouterr().err.splitlines()[0]
    assert first.split()[1] in ("10/20", "15/20", "20/20")
    assert run(arguments("whole")) == 0
    assert differences(tmp_path / "whole", tmp_path / "killed") == []


def test_the_comparison_sees_every_byte_but_those_of_the_clock(tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    (first / "metrics.jsonl").write_text('{"step": 1, "loss": 0.5, "waiting": 0.1}\n')
    (first / "checkpoint.safetensors").write_bytes(b"weights")
    (first / "run.json").write_text("began at noon")
    shutil.copytree(first, second)
    (second / "metrics.jsonl").write_text('{"step": 1, "loss": 0.5, "waiting": 0.9}\n')
    (second / "run.json").write_text("began at one")
    assert differences(first, second) == []
    (second / "checkpoint.safetensors").write_bytes(b"weightz")
    (second / "metrics.jsonl").write_text('{"step": 1, "loss": 0.6, "waiting": 0.9}\n')
    (second / "checkpoint.part").write_bytes(b"")
    assert differences(first, second) == ["checkpoint.part", "checkpoint.safetensors", "metrics.jsonl"]
