"""How long trial lists and score files take to read, beside a loop that only splits their lines.

Lists of 37,611 trials (VoxCeleb1-O) and of 10 million, in the VoxCeleb form with ids of 30 characters: 4,708 and
150,000 of them, in random pairs, which is the worst for the caches. Score files are in the order of the list, and
shuffled. The loop is ``for line in file: line.split()`` on the same file in the same run; it keeps nothing.

Each measurement is a process of its own, so that its peak memory is its own; "memory" is the peak less that of a
process that has imported the package only. ``--trials N`` sets the size of the large list.
"""

import argparse
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from speakertrip.manifests import Trials, read_scores, read_trials, write_scores, write_trials

SMALL, LARGE = (37_611, 4_708), (10_000_000, 150_000)  # trials, ids
TARGET_SHARE = 0.5


def write_lists(folder: Path) -> float:
    """Write ``trials``, ``scores`` and ``shuffled`` into a folder that is named "count-ids"."""
    count, ids = map(int, folder.name.split("-"))
    rng = np.random.default_rng(0)
    names = [f"id{10_000 + i // 120}/{rng.integers(1 << 44):011x}/{i % 1000:05d}.wav" for i in range(ids)]
    keys = rng.integers(ids * ids, size=count + count // 20)
    keys = rng.permutation(np.unique(keys))[:count]  # no pair twice
    first, second = (keys // ids).astype(np.int32), (keys % ids).astype(np.int32)
    targets = rng.random(len(keys)) < TARGET_SHARE
    scores = rng.normal(size=len(keys)).astype(np.float32)
    write_trials(folder / "trials", Trials(names, first, second, targets))
    write_scores(folder / "scores", Trials(names, first, second, targets), scores)
    order = rng.permutation(len(keys))
    write_scores(
        folder / "shuffled", Trials(names, first[order], second[order], targets[order]), scores[order]
    )
    return 0.0


def split_lines(path: Path) -> float:
    """Return the seconds of the plain loop."""
    began = time.perf_counter()
    with path.open(encoding="utf-8") as file:
        for line in file:
            line.split()
    return time.perf_counter() - began


def read_list(path: Path) -> float:
    """Return the seconds of ``read_trials``."""
    began = time.perf_counter()
    read_trials(path)
    return time.perf_counter() - began


def read_score_file(path: Path) -> float:
    """Return the seconds of ``read_scores``, the list being read."""
    trials = read_trials(path.with_name("trials"))
    began = time.perf_counter()
    read_scores(path, trials)
    return time.perf_counter() - began


JOBS: dict[str, Callable[[Path], float]] = {
    "nothing": lambda path: 0.0,
    "write": write_lists,
    "split": split_lines,
    "trials": read_list,
    "scores": read_score_file,
}


def measure(job: str, path: Path) -> tuple[float, float]:
    """Run a job in a process of its own; return its seconds and its peak in MB.

    The peak would be that of this process if that were higher: it does nothing itself.
    """
    done = subprocess.run(
        [sys.executable, __file__, "--job", job, "--path", str(path)],
        check=True,
        capture_output=True,
        text=True,
    )
    seconds, peak = done.stdout.split()
    return float(seconds), float(peak)


def compare(count: int, ids: int) -> None:
    """Print one size of list."""
    with TemporaryDirectory() as name:
        folder = Path(name) / f"{count}-{ids}"
        measure("write", folder)
        size = (folder / "trials").stat().st_size / 1e6
        print(f"{count:,} trials of {ids:,} ids, {size:,.0f} MB", flush=True)
        _, base = measure("nothing", folder)
        for job, file in (("trials", "trials"), ("scores", "scores"), ("scores", "shuffled")):
            plain, _ = measure("split", folder / file)
            seconds, peak = measure(job, folder / file)
            print(
                f"  read_{job:<6} {file:<9} {seconds:7.3f} s   {seconds / plain:5.2f} x the loop ({plain:.3f} s)   "
                f"memory {peak - base:6.0f} MB",
                flush=True,
            )


def main() -> None:
    """Read the command line; print the comparison, or do one job of it."""
    parser = argparse.ArgumentParser(description="Time the reading of trial lists and score files.")
    parser.add_argument("--trials", type=int, default=LARGE[0], help="size of the large list")
    parser.add_argument("--job", choices=JOBS, help=argparse.SUPPRESS)
    parser.add_argument("--path", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.job:
        seconds = JOBS[args.job](args.path)
        print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6)
        return
    compare(*SMALL)
    compare(args.trials, LARGE[1])


if __name__ == "__main__":
    main()
