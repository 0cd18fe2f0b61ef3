"""Do runs that are killed again and again, and resumed, end as the ones that nobody touched, to the bit?

For each configuration a run is trained by ``speakertrip train`` without interruption. Then the same run is begun
anew, killed by SIGKILL together with its workers at moments drawn over its whole length (start-up, steps, validations
and the writing of files), resumed each time with ``--resume``, and at last left to end. Every file of the two folders
must be the same byte by byte, ``metrics.jsonl`` but for what was measured by the clock and the system, and no other
file may be left; only ``run.json``, which lists the starts, differs.

One process on the CPU, one thread: on more, sums of floats have no fixed order.

    python benchmarks/kill.py --runs 30 --seed 0
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from speakertrip.corpora.synthetic import write_synthetic_corpus

KILLS = 3  # of a run, at most
MEASURED = ("utterances_per_second", "waiting", "memory_gib")  # by the clock and the system: never the same
STARTS = "run.json"  # when and where a run was begun and gone on with

BASE = """
seed = 3
[optimizer]
steps = 30
warmup_steps = 5
lr = 3e-3
[validation]
speakers = 4
every = 6
nontargets = 200
"""
ECAPA = """
encoder = { kind = "ecapa", channels = 16, embedding_dim = 16, attention_channels = 8, se_channels = 8 }
"""
XVECTOR = """
encoder = { kind = "xvector", channels = 16, pooling_channels = 32, embedding_dim = 16 }
"""
CONFIGURATIONS = {
    "AAM-softmax, no workers": XVECTOR
    + """
data = { crop_seconds = 0.8 }
batch = { speakers = 8, utterances = 3 }
loss = { kind = "aam-softmax", margin_warmup_steps = 20 }
checkpoint = { every = 3 }
""",
    "hard speakers, 2 workers": XVECTOR
    + """
data = { crop_seconds = 0.8, workers = 2, prefetch = 3 }
batch = { speakers = 6, utterances = 3, hard_share = 0.5 }
loss = { kind = "triplet", miner = { kind = "semi-hard" } }
checkpoint = { every = 1 }
""",
    "adaptive margin, no workers": ECAPA
    + """
data = { crop_seconds = 0.8 }
batch = { speakers = 8, utterances = 3 }
loss = { kind = "triplet", margin = { kind = "adaptive", rate = 0.1 }, guard = { action = "ease" } }
checkpoint = { every = 4 }
""",
    "memory with momentum, 2 workers": XVECTOR
    + """
data = { crop_seconds = 0.8, workers = 2, memory_gib = 0.0 }
batch = { speakers = 8, utterances = 3 }
loss = { kind = "triplet", memory = { size = 100, momentum = 0.9 } }
checkpoint = { every = 1 }
""",
    "random negatives, averaged weights, saved at validations": ECAPA
    + """
data = { crop_seconds = 0.8 }
batch = { speakers = 8, utterances = 3 }
loss = { kind = "triplet", miner = { kind = "random", count = 5 } }
average = { kind = "ema", decay = 0.9 }
""",
}


def main() -> int:
    """Train, kill, resume, compare; return the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    names = list(CONFIGURATIONS)[: arguments.runs]
    identical = 0
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write_synthetic_corpus(folder / "data", train_speakers=20, test_speakers=2, utterances=2, seconds=1.2)
        lengths = {}
        for name in names:
            (folder / f"{name}.toml").write_text(CONFIGURATIONS[name] + BASE)
            began = time.monotonic()
            if start(folder, name, "whole").wait():
                raise SystemExit(f"The uninterrupted run of {name} failed.")
            lengths[name] = time.monotonic() - began
            print(f"{name}: {lengths[name]:.1f} s without interruption", flush=True)
        for number in range(arguments.runs):
            name = names[number % len(names)]
            rng = np.random.default_rng([arguments.seed, number])
            kills = kill_and_resume(folder, name, f"run {number}", lengths[name], rng)
            wrong = differences(folder / name / "whole", folder / name / f"run {number}")
            identical += not wrong
            said = f"NOT the same: {', '.join(wrong)}" if wrong else "identical"
            print(f"run {number + 1} ({name}): killed {'; '.join(kills)}: {said}", flush=True)
    print(f"{identical} of {arguments.runs} runs bit-identical")
    return int(identical < arguments.runs)


def start(folder: Path, name: str, run: str) -> "subprocess.Popen[bytes]":
    """Begin a run, or go on with it, in a session of its own, which its workers share."""
    command = [
        sys.executable,
        "-m",
        "speakertrip",
        "train",
        f"{folder}/{name}.toml",
        "--data",
        f"{folder}/data",
    ]
    options = ["--out", f"{folder}/{name}/{run}", "--resume", "--device", "cpu", "--threads", "1"]
    return subprocess.Popen(
        [*command, *options],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )


def kill_and_resume(folder: Path, name: str, run: str, length: float, rng: np.random.Generator) -> list[str]:
    """Kill a run 1 to ``KILLS`` times at moments within ``length`` seconds, then let it end; say where it was hit."""
    kills: list[str] = []
    while not kills:  # else it was done before the first moment
        shutil.rmtree(folder / name / run, ignore_errors=True)
        for moment in rng.uniform(0, length, rng.integers(1, KILLS + 1)):
            process = start(folder, name, run)
            try:
                process.wait(timeout=moment)
                break
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            kills.append(f"at {moment:.1f} s {where(folder / name / run)}")
    if start(folder, name, run).wait():
        kills.append("and then could not go on")
    return kills


def where(run: Path) -> str:
    """Say how far a killed run had come, and what it was writing."""
    metrics = run / "metrics.jsonl"
    steps = metrics.read_bytes().count(b"\n") if metrics.exists() else 0
    parts = sorted(path.name for path in run.rglob("*") if ".part" in path.name or ".old" in path.name)
    return f"(step {steps}{', writing ' + ' '.join(parts) if parts else ''})"


def differences(first: Path, second: Path) -> list[str]:
    """Return the names of the files that two folders do not have alike."""
    ours, theirs = contents(first), contents(second)
    return sorted(name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name))


def contents(run: Path) -> dict[str, bytes]:
    """Return the files of a run by name, without the list of starts and what was measured."""
    files = {str(path.relative_to(run)): path.read_bytes() for path in run.rglob("*") if path.is_file()}
    files.pop(STARTS, None)
    rows = [json.loads(line) for line in files.get("metrics.jsonl", b"").splitlines()]
    untimed = [{key: value for key, value in row.items() if key not in MEASURED} for row in rows]
    return files | {"metrics.jsonl": "\n".join(map(json.dumps, untimed)).encode()}


if __name__ == "__main__":
    sys.exit(main())
