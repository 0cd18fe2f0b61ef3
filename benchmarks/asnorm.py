"""Time and memory of adaptive S-norm, against the matrix products that it needs, and plainer ways to the same scores.

37,720 trials over 4,708 utterances, a cohort of 6,000, 192 dimensions, the 300 highest scores. Targets: within 1.5 x
the time of the products of utterances and cohort alone, on as many threads; less than 100 MB of extra memory.

    python benchmarks/asnorm.py                 on one thread of the matrix library, then on all cores
"""

import multiprocessing
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from speakertrip.backend import Backend, cohort_statistics, normalise, pair_scores, unit_rows
from speakertrip.backend.normalisation import BLOCK_ELEMENTS

TRIALS, UTTERANCES, COHORT, DIM, TOP = 37_720, 4_708, 6_000, 192, 300
SHARE = 20  # one trial in so many is normalised by itself, and the time multiplied
RATIO, MEGABYTES = 1.5, 100  # targets
Array = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]
Method = Callable[[Array, Array, Rows, Rows], Array]


def draw() -> tuple[Array, Array, Rows, Rows]:
    """Return unit embeddings and a unit cohort that share a direction, as speech does, and the rows of the trials."""
    rng = np.random.default_rng(0)
    shared = rng.standard_normal(DIM, dtype=np.float32)
    utterances, cohort = (
        unit_rows(shared + 2 * rng.standard_normal((count, DIM), dtype=np.float32))
        for count in (UTTERANCES, COHORT)
    )
    first, second = rng.integers(0, UTTERANCES, (2, TRIALS))
    return utterances, cohort, first, second


def products(utterances: Array, cohort: Array, first: Rows, second: Rows) -> Array:
    """The yardstick: all scores with the cohort, in blocks of the same size, and nothing done with them."""
    rows = BLOCK_ELEMENTS // COHORT
    last = np.empty(0, dtype=np.float32)
    for begin in range(0, UTTERANCES, rows):
        last = (utterances[begin : begin + rows] @ cohort.T)[-1]
    return last


def by_block(utterances: Array, cohort: Array, first: Rows, second: Rows) -> Array:
    """Ours: the statistics of each utterance once, then the trials."""
    side = cohort_statistics(utterances, cohort, lambda one, other: one @ other.T, TOP)
    return normalise(pair_scores(utterances, utterances, first, second), side, side, first, second)


def pipeline(utterances: Array, cohort: Array, first: Rows, second: Rows) -> Array:
    """Ours as the commands use it: a backend, whose two sides are looked at apart."""
    backend = Backend(cohort=cohort, norm="as", top=TOP)
    sides = backend.sides(utterances)
    return backend.score(sides, sides, first, second)


def whole_matrix(utterances: Array, cohort: Array, first: Rows, second: Rows) -> Array:
    """All scores at once, each row sorted."""
    highest = np.sort(utterances @ cohort.T, axis=1)[:, -TOP:]
    mean, deviation = highest.mean(axis=1), highest.std(axis=1)
    scores = pair_scores(utterances, utterances, first, second)
    sides = [(scores - mean[rows]) / deviation[rows] for rows in (first, second)]
    return np.asarray(sum(sides) / 2, dtype=np.float32)


def by_trial(utterances: Array, cohort: Array, first: Rows, second: Rows) -> Array:
    """One trial after the other, as recipes do that know no more than a line of the list."""
    normalised = []
    for rows in zip(first[::SHARE], second[::SHARE], strict=True):
        one, other = utterances[rows[0]], utterances[rows[1]]
        highest = [np.sort(cohort @ side)[-TOP:] for side in (one, other)]
        normalised.append(np.mean([(one @ other - best.mean()) / best.std() for best in highest]))
    return np.array(normalised, dtype=np.float32)


METHODS: dict[str, Method] = {
    "matrix products alone": products,
    "AS-norm by block": by_block,
    "AS-norm by a backend": pipeline,
    "whole matrix, sorted": whole_matrix,
    "a trial at a time": by_trial,
}


@dataclass(frozen=True)
class Found:
    """What was measured of a method: median seconds, those of the products beside it, and extra MB."""

    seconds: float
    yardstick: float
    extra: float

    @property
    def ratio(self) -> float:
        """Time in that of the products."""
        return self.seconds / self.yardstick


def measure(name: str, path: Path, answers: "multiprocessing.Queue[Found]") -> None:
    """Measure a method, keep its scores and put the rest into the queue; in a process of its own, for its memory.

    The method and the products take turns, so that whatever else the machine does slows both alike.
    """
    data = draw()
    method, times = METHODS[name], 1 if METHODS[name] is not by_trial else SHARE
    data[0][:64] @ data[1].T  # the matrix library starts its threads
    Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here
    before = memory("VmRSS")
    np.save(path, method(*data))
    extra = memory("VmHWM") - before
    seconds: dict[Method, list[float]] = {products: [], method: []}
    while len(seconds[products]) < 15 and sum(map(sum, seconds.values())) < 6:
        for turn in (products, method):
            began = time.perf_counter()
            turn(*data)
            seconds[turn].append(time.perf_counter() - began)
    medians = {turn: statistics.median(taken) for turn, taken in seconds.items()}
    answers.put(Found(times * medians[method], medians[products], extra))


def memory(entry: str) -> float:
    """Return what the kernel says of this process's memory, in MB: now (VmRSS) or at its peak (VmHWM)."""
    lines = dict(line.split(":") for line in Path("/proc/self/status").read_text().splitlines())
    return int(lines[entry].split()[0]) * 1024 / 1e6


def compare(threads: int, folder: Path) -> dict[str, Found]:
    """Print one table, and return what was measured of each method."""
    for library in ("OPENBLAS", "MKL", "OMP"):  # read when a process starts
        os.environ[f"{library}_NUM_THREADS"] = str(threads)
    context = multiprocessing.get_context("spawn")
    reached: dict[str, Found] = {}
    print(f"\n{f'threads: {threads}':<24}{'ms':>12}{'x products':>12}{'extra MB':>12}{'differs by':>12}")
    for name in METHODS:
        answers: multiprocessing.Queue[Found] = context.Queue()
        process = context.Process(target=measure, args=(name, folder / f"{name}.npy", answers))
        process.start()
        found = reached[name] = answers.get()
        process.join()
        text = f"{name:<24}{1e3 * found.seconds:>12,.0f}{found.ratio:>12.2f}{found.extra:>12,.0f}"
        print(text + difference(name, folder), flush=True)
    return reached


def difference(name: str, folder: Path) -> str:
    """Say by how much the scores of a method differ from ours at most."""
    if METHODS[name] is products:
        return ""
    ours = np.load(folder / "AS-norm by block.npy")
    scores = np.load(folder / f"{name}.npy")
    return f"{np.abs(scores - (ours[::SHARE] if METHODS[name] is by_trial else ours)).max():>12.0e}"


def main() -> None:
    """Print a table for each number of threads, then each target with what was reached."""
    reached = {}
    with tempfile.TemporaryDirectory() as folder:
        for threads in sorted({1, os.cpu_count() or 1}):
            reached[threads] = compare(threads, Path(folder))
    print(f"\n'a trial at a time': one trial in {SHARE}, times {SHARE}")
    for threads, found in reached.items():
        for name in ("AS-norm by block", "AS-norm by a backend"):
            print(
                f"{name}, threads: {threads}: {found[name].ratio:.2f} x the products (at most {RATIO}), "
                f"{found[name].extra:.0f} MB (less than {MEGABYTES})"
            )


if __name__ == "__main__":
    main()
