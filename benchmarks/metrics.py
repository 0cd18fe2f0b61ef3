"""Time and memory of error rates, against sorting the same scores, scikit-learn and speechbrain, in the same run.

Targets, on one thread at 10 M float32 scores: the EER within 3 x the time of one ``np.sort``; EER, both minDCF and
Cllr together within 10 x. With ``--billion``: a billion scores on disk in less than 1 GB, exact to 1e-6.

    python benchmarks/metrics.py                      10 thousand to 10 million trials, a tenth and half of them targets
    python benchmarks/metrics.py --billion FOLDER     writes 4 GB into the folder, and removes them
"""

import argparse
import multiprocessing
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from speakertrip.metrics import (
    OperatingPoint,
    cllr,
    det_curve,
    equal_error_rate,
    min_cllr,
    min_dcf,
    stream_rates,
)
from speakertrip.metrics.sorted_scores import sort_scores
from speakertrip.metrics.sparse import sparse_curve

SIZES = (10_000, 100_000, 1_000_000, 10_000_000)
SHARES = (0.1, 0.5)
POINTS = (OperatingPoint(0.01), OperatingPoint(0.05))
SECONDS, MEMORY = 60, 8 * 2**30  # at which a peer is stopped
BILLION, TENTH = 1_000_000_000, 0.1
Scores = npt.NDArray[np.float32]
Truth = npt.NDArray[np.bool_]


def sort(scores: Scores, targets: Truth) -> float:
    """The yardstick."""
    return float(np.sort(scores)[0])


def eer(scores: Scores, targets: Truth) -> float:
    """Ours: the EER alone."""
    return equal_error_rate(sparse_curve(sort_scores(scores, targets)))


def together(scores: Scores, targets: Truth) -> float:
    """Ours: EER, both minDCF and Cllr."""
    curve = sparse_curve(sort_scores(scores, targets), POINTS)
    rates = [equal_error_rate(curve), *(min_dcf(curve, point.p_target) for point in POINTS)]
    return sum(rates) + cllr(scores, targets)


def whole_curve(scores: Scores, targets: Truth) -> float:
    """Ours: the whole curve, with EER, minDCF and minCllr."""
    curve = det_curve(scores, targets)
    return equal_error_rate(curve) + min_dcf(curve, 0.01) + min_cllr(curve)


def scikit_learn(scores: Scores, targets: Truth) -> float:
    """The EER from scikit-learn's ROC."""
    from sklearn.metrics import roc_curve

    false_alarm, hits, _ = roc_curve(targets, scores)
    return float(false_alarm[np.argmin(np.abs(1 - hits - false_alarm))])


def speechbrain_eer(scores: Scores, targets: Truth) -> float:
    """The EER of speechbrain."""
    import torch
    from speechbrain.utils.metric_stats import EER

    return float(EER(torch.from_numpy(scores[targets]), torch.from_numpy(scores[~targets]))[0])


def speechbrain_min_dcf(scores: Scores, targets: Truth) -> float:
    """The minDCF of speechbrain."""
    import torch
    from speechbrain.utils.metric_stats import minDCF

    return float(minDCF(torch.from_numpy(scores[targets]), torch.from_numpy(scores[~targets]))[0])


METHODS: dict[str, Callable[[Scores, Truth], float]] = {
    "np.sort": sort,
    "EER": eer,
    "EER, minDCF, Cllr": together,
    "whole curve": whole_curve,
    "scikit-learn EER": scikit_learn,
    "speechbrain EER": speechbrain_eer,
    "speechbrain minDCF": speechbrain_min_dcf,
}


def draw(trials: int, share: float, seed: int = 0) -> tuple[Scores, Truth]:
    """Return normal scores, those of targets three deviations higher: an EER of 6.7 %."""
    rng = np.random.default_rng(seed)
    targets = rng.random(trials) < share
    scores = rng.standard_normal(trials, dtype=np.float32)
    scores[targets] += 3
    return scores, targets


def measure(name: str, folder: Path, answers: "multiprocessing.Queue[tuple[float, float]]") -> None:
    """Put (median seconds, extra MB) of a method into the queue; run in a process of its own, for its peak memory."""
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    method = METHODS[name]
    method(*draw(100, 0.5))  # imports
    scores, targets = np.load(folder / "scores.npy"), np.load(folder / "targets.npy")
    Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here
    before = memory("VmRSS")
    began = time.perf_counter()
    try:
        method(scores, targets)
    except (MemoryError, RuntimeError):  # torch says so when it may have no more
        sys.exit(1)
    times = [time.perf_counter() - began]
    extra = max(0, memory("VmHWM") - before)
    while len(times) < 9 and sum(times) < 5:
        began = time.perf_counter()
        method(scores, targets)
        times.append(time.perf_counter() - began)
    answers.put((statistics.median(times), extra))


def memory(entry: str) -> float:
    """Return what the kernel says of this process's memory, in MB: now (VmRSS) or at its peak (VmHWM)."""
    lines = dict(line.split(":") for line in Path("/proc/self/status").read_text().splitlines())
    return int(lines[entry].split()[0]) * 1024 / 1e6


def compare(trials: int, share: float, folder: Path, stopped: set[str]) -> dict[str, float]:
    """Print one table, and return the seconds of each method that came to its end."""
    scores, targets = draw(trials, share)
    np.save(folder / "scores.npy", scores)
    np.save(folder / "targets.npy", targets)
    context = multiprocessing.get_context("spawn")
    answers: multiprocessing.Queue[tuple[float, float]] = context.Queue()
    seconds: dict[str, float] = {}
    print(f"\n{trials:,} trials, {share:.0%} targets{'ms':>21}{'x np.sort':>12}{'extra MB':>12}")
    for name in METHODS:
        text = "stopped at fewer trials"
        if name not in stopped:
            process = context.Process(target=measure, args=(name, folder, answers))
            process.start()
            process.join(SECONDS)
            process.kill()
            process.join()
            if process.exitcode == 0:
                seconds[name], extra = answers.get()
                ratio = seconds[name] / seconds["np.sort"]
                text = f"{1e3 * seconds[name]:>15,.2f}{ratio:>12,.1f}{extra:>12,.0f}"
            else:
                stopped.add(name)
                text = f"stopped: more than {SECONDS} s or {MEMORY / 2**30:.0f} GiB"
        print(f"{name:<28}{text}", flush=True)
    return seconds


def billion(folder: Path) -> None:
    """Write a billion scores, count their rates, and check the method against memory at a hundredth of them."""
    paths = folder / "targets.npy", folder / "nontargets.npy"
    try:
        write(paths, BILLION // 100)
        rates = stream_rates(*paths, POINTS)
        kinds = [np.load(path) for path in paths]
        scores = np.concatenate(kinds)
        truth = np.arange(len(scores)) < len(kinds[0])
        curve = det_curve(scores, truth)
        pairs = [(equal_error_rate(rates.curve), equal_error_rate(curve)), (rates.cllr, cllr(scores, truth))]
        pairs += [(min_dcf(rates.curve, p.p_target), min_dcf(curve, p.p_target)) for p in POINTS]
        print(
            f"{len(scores):,} trials: differs from memory by at most {max(abs(a - b) for a, b in pairs):.1e}"
        )
        del kinds, scores, truth, curve
        began = time.perf_counter()
        write(paths, BILLION)
        print(f"{BILLION:,} trials written in {time.perf_counter() - began:.0f} s", flush=True)
        context = multiprocessing.get_context("spawn")
        process = context.Process(target=count, args=paths)
        process.start()
        process.join()
    finally:
        for path in paths:
            path.unlink(missing_ok=True)


def write(paths: tuple[Path, Path], trials: int) -> None:
    """Write normal scores, a tenth of them three deviations higher, in blocks."""
    rng = np.random.default_rng(0)
    for path, shift, count in zip(
        paths, (3, 0), (int(trials * TENTH), trials - int(trials * TENTH)), strict=True
    ):
        array = np.lib.format.open_memmap(path, "w+", np.float32, (count,))
        for begin in range(0, count, 2**22):
            block = array[begin : begin + 2**22]
            rng.standard_normal(len(block), dtype=np.float32, out=block)
            block += shift
        array.flush()


def count(targets: Path, nontargets: Path) -> None:
    """Print the rates of two files, the time, and the most memory that this process ever held."""
    Path("/proc/self/clear_refs").write_text("5")  # without what the process that started it held
    began = time.perf_counter()
    rates = stream_rates(targets, nontargets, POINTS)
    seconds = time.perf_counter() - began
    print(
        f"{rates.targets + rates.nontargets:,} trials: EER {equal_error_rate(rates.curve):.6%}, "
        f"minDCF {', '.join(f'{min_dcf(rates.curve, p.p_target):.6f}' for p in POINTS)}, Cllr {rates.cllr:.6f}; "
        f"{seconds:.0f} s, {memory('VmHWM'):,.0f} MB at most (less than 1,000)"
    )


def main() -> None:
    """Print the tables, then each target with what was reached."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--billion", type=Path, metavar="FOLDER")
    options = parser.parse_args()
    if options.billion:
        billion(options.billion)
        return
    reached = {}
    with tempfile.TemporaryDirectory() as folder:
        for share in SHARES:
            stopped: set[str] = set()
            for trials in SIZES:
                reached[share] = compare(trials, share, Path(folder), stopped)
    print()
    for share, seconds in reached.items():
        for name, target in (("EER", 3), ("EER, minDCF, Cllr", 10)):
            ratio = seconds[name] / seconds["np.sort"]
            print(
                f"{name} at {SIZES[-1]:,} trials, {share:.0%} targets: {ratio:.1f} x np.sort (at most {target})"
            )


if __name__ == "__main__":
    main()
