"""Processes of torchrun: killed, the run ends all the same; asked to end, it saves."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from tiny_recipe import TINY_ENCODER

from speakertrip.bundle import Bundle
from speakertrip.corpora.synthetic import write_synthetic_corpus

CONFIG = (
    """
seed = 1
data = { crop_seconds = 0.6 }
batch = { speakers = 5, utterances = 2 }
optimizer = { steps = 16 }
validation = { speakers = 3, every = 8, nontargets = 50 }
checkpoint = { every = 2 }
"""
    + TINY_ENCODER
)
PATIENCE = 300  # seconds; of a busy machine
# A new store for each start: in one that torch keeps over restarts, processes wait for those that are gone.
APART = {"TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1"}


def start_machine(folder, node, port):
    launcher = [sys.executable, "-m", "torch.distributed.run", "--nnodes", "2", "--node-rank", str(node)]
    meeting = ["--rdzv-backend", "c10d", "--rdzv-endpoint", f"localhost:{port}", "--max-restarts", "3"]
    verb = ["-m", "speakertrip", "train", "config.toml", "--data", "data", "--out", "run", "--resume"]
    return subprocess.Popen(
        [*launcher, "--nproc-per-node", "1", *meeting, *verb, "--device", "cpu"],
        cwd=folder,
        env=os.environ | {"OMP_NUM_THREADS": "1"} | APART,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def child_of(launcher):
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            if f"PPid:\t{launcher.pid}\n" in status.read_text():
                return int(status.parent.name)
        except OSError:  # it has ended
            continue
    raise AssertionError("the launcher has no process")


def test_a_killed_machine_starts_again_from_the_checkpoint(tmp_path):
    write_synthetic_corpus(tmp_path / "data", train_speakers=8, test_speakers=2, utterances=2, seconds=1.0)
    (tmp_path / "config.toml").write_text(CONFIG)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    machines = [start_machine(tmp_path, node, port) for node in range(2)]
    try:
        deadline = time.monotonic() + PATIENCE
        while not (tmp_path / "run" / "checkpoint.safetensors").exists():
            assert all(machine.poll() is None for machine in machines)
            assert time.monotonic() < deadline
            time.sleep(0.05)
        os.kill(child_of(machines[1]), signal.SIGKILL)
        said = [machine.communicate(timeout=PATIENCE) for machine in machines]
    finally:
        for machine in machines:
            machine.kill()
    assert [machine.returncode for machine in machines] == [0, 0], said
    assert sorted(out for out, _ in said) == ["", "run/bundle\n"]
    assert sum(err.count("is gone") for _, err in said) == 1
    rows = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == list(range(1, 17))
    starts = json.loads((tmp_path / "run" / "run.json").read_text())["starts"]
    assert len(starts) == 2
    assert starts[1]["step"] >= 2
    assert {start["processes"] for start in starts} == {2}
    assert Bundle.load(tmp_path / "run" / "bundle").calibration.trials > 0


def test_a_signal_to_the_launcher_saves_and_stops(tmp_path):
    write_synthetic_corpus(tmp_path / "data", train_speakers=8, test_speakers=2, utterances=2, seconds=1.0)
    (tmp_path / "config.toml").write_text(CONFIG)
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    verb = ["-m", "speakertrip", "train", "config.toml", "--data", "data", "--out", "run", "--device", "cpu"]
    changes = [
        "--set",
        "optimizer.steps=100_000",
        "--set",
        "checkpoint.every=0",
        "--set",
        "validation.every=100_000",
    ]
    with subprocess.Popen(
        [*launcher, *verb, *changes],
        cwd=tmp_path,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        while not process.stderr.readline().startswith("step 10/"):
            assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=PATIENCE)
    assert err.count("--resume") == 1
    assert (tmp_path / "run" / "checkpoint.safetensors").exists()
