"""How far is a run of several processes from that of one, when each normalises its share of a batch by itself?

With the statistics of batch normalisation held fixed, the loss and its gradients do not depend on the number of
processes (to 1e-5, ``tests/training/test_processes.py``). In training on CPUs they do: every process takes the
statistics of its own share, and the running ones are averaged. This trains the synthetic demo by ``torchrun`` on 1, 2
and 4 processes, with the same seed, batches and crops, and prints the loss of the same steps, the error rate on the
held-out speakers and that on the test list. For scale, the row above them is one process with another seed.

    python benchmarks/processes.py --steps 300
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

RECIPE = Path(__file__).parents[1] / "recipes" / "synthetic" / "ecapa-tiny.toml"
COUNTS = (1, 2, 4)


def main() -> None:
    """Train and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=300)
    steps = parser.parse_args().steps
    shown = [step for step in (1, 2, 10, 50, 100, 200, 300) if step <= steps]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        speakertrip("manifest", "synthetic", folder / "data")
        print(f"{'processes, seed':<16}" + "".join(f"{f'loss {step}':>10}" for step in shown), end="")
        print("   held-out EER            test EER", flush=True)
        for count, seed in ((1, 1), *((count, 0) for count in COUNTS)):
            run = folder / f"{count}-{seed}"
            train(folder, run, count, seed, steps)
            rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
            losses = "".join(f"{rows[step - 1]['loss']:>10.5f}" for step in shown)
            last = rows[-1]
            held_out = interval(last["validation_eer"], last["validation_eer_interval"])
            print(f"{f'{count}, {seed}':<16}{losses}   {held_out:<22}  {test_eer(folder, run)}", flush=True)


def train(folder: Path, run: Path, count: int, seed: int, steps: int) -> None:
    """Train the demo on some processes, each of one thread."""
    verb = ["train", RECIPE, "--data", folder / "data", "--out", run, "--device", "cpu", "--threads", "1"]
    options = ["--set", f"optimizer.steps={steps}", "--set", f"seed={seed}"]
    speakertrip(
        *verb, *options, launcher=["torch.distributed.run", "--standalone", "--nproc-per-node", count, "-m"]
    )


def test_eer(folder: Path, run: Path) -> str:
    """Return the error rate of a run's bundle on the test list, with its interval."""
    lists = ["--trials", folder / "data/trials.test.txt", "--manifest", folder / "data/manifest.test.jsonl"]
    report = json.loads(speakertrip("evaluate", "--model", run / "bundle", *lists, "--json"))
    return interval(report["eer"], report["eer_interval"])


def interval(eer: float, ends: list[float]) -> str:
    """Say an error rate with its interval, in percent."""
    return f"{eer:.2%} [{100 * ends[0]:.2f}, {100 * ends[1]:.2f}]"


def speakertrip(*words: object, launcher: list[object] | None = None) -> str:
    """Run a verb to its end and return its output."""
    command = [sys.executable, "-m", *(launcher or []), "speakertrip", *words]
    done = subprocess.run(
        [str(word) for word in command],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    return done.stdout


if __name__ == "__main__":
    main()
