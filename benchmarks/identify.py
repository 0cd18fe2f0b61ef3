"""One speaker among a million: how long does a search take, against numpy and faiss, and does it find the same?

Exact: so many rows of 192 numbers, as a matrix mapped from a file (ours), in memory (numpy: one product and a partial
sort; faiss: ``IndexFlatIP``). All find the ten best of one probe, and of 64 at once; they take turns, and the least
time of each counts. Targets: the same ten; one probe within 1.2 x of the faster of the others; 64 at once at least
3 x as fast for each as faiss.

A store: its matrix is built from 20,000 profiles, and brought in step with one more, with the rest of the matrix filled
up to a million. Approximate: usearch among 100,000 rows of clusters; its share of the ten best is shown, not promised.

    python benchmarks/identify.py               one thread; about 5 minutes and 3 GiB
"""

import os

os.environ.update({f"{library}_NUM_THREADS": "1" for library in ("OPENBLAS", "MKL", "OMP")})

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import faiss
import numpy as np
import numpy.typing as npt

from speakertrip.backend import Backend, DecisionRule, Threshold, unit_rows
from speakertrip.backend.ranking import Terms
from speakertrip.enrollment import Enrollment, Profile, SearchOptions, SpeakerStore
from speakertrip.enrollment.search.matrix import Matrix
from speakertrip.enrollment.search.nearest import Table, nearest
from speakertrip.enrollment.search.search import make_search
from speakertrip.enrollment.store.tables.shelf import Shelf

DIM, TOP, PROBES, MODEL = 192, 10, 64, "0" * 64
ONE, MANY = 1.2, 3.0  # targets
Array = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]


def draw(path: Path, count: int) -> Array:
    """Write unit rows to a file, and return them mapped."""
    rng = np.random.default_rng(0)
    rows = np.memmap(path, np.float32, "w+", shape=(count, DIM))
    for begin in range(0, count, 2**14):
        some = rows[begin : begin + 2**14]
        some[:] = unit_rows(rng.standard_normal(some.shape, dtype=np.float32))
    rows.flush()
    return np.asarray(np.memmap(path, np.float32, "r", shape=(count, DIM)))


def by_numpy(rows: Array, probes: Array) -> Rows:
    """Find the best by one product and a partial sort for each probe."""
    found = []
    for probe in probes:
        scores = rows @ probe
        best = np.argpartition(-scores, TOP)[:TOP]
        found.append(best[np.argsort(-scores[best])])
    return np.array(found)


def memory(entry: str = "RssAnon") -> float:
    """Return this process's memory in MB, without files that are mapped."""
    lines = dict(line.split(":") for line in Path("/proc/self/status").read_text().splitlines())
    return int(lines[entry].split()[0]) * 1024 / 1e6


def turns(ways: dict[str, Callable[[], Rows]], rounds: int) -> tuple[dict[str, float], dict[str, Rows]]:
    """Let them take turns; return the least seconds of each, and what it found."""
    seconds, found = dict.fromkeys(ways, np.inf), {}
    for _ in range(rounds):
        for name, way in ways.items():
            began = time.perf_counter()
            found[name] = way()
            seconds[name] = min(seconds[name], time.perf_counter() - began)
    return seconds, found


def exact(folder: Path, count: int, rounds: int) -> bool:
    """Compare the exact searches, and return whether the targets are reached."""
    rows = draw(folder / "rows", count)
    probes = unit_rows(np.random.default_rng(1).standard_normal((PROBES, DIM), dtype=np.float32))
    table, none = Table(rows, None, np.empty(0, np.int64)), np.zeros(PROBES, np.float32)
    terms = Terms(probes, none + 1, none)
    before = memory()
    held: Array = np.array(rows)
    index = faiss.IndexFlatIP(DIM)
    for begin in range(0, count, 2**16):
        index.add(held[begin : begin + 2**16])
    loaded = memory()
    reached = True
    for name, some, times in (("one probe", 1, rounds), (f"{PROBES} probes", PROBES, max(2, rounds // 5))):
        asked = Terms(terms.rows[:some], terms.scale[:some], terms.offset[:some])

        def ours(asked: Terms = asked) -> Rows:
            return np.array([each.rows for each in nearest(table, asked, TOP)])

        def numpys(asked: Terms = asked) -> Rows:
            return by_numpy(held, asked.rows)

        def faisss(asked: Terms = asked) -> Rows:
            return np.asarray(index.search(asked.rows, TOP)[1])

        seconds, found = turns({"ours, mapped": ours, "numpy": numpys, "faiss flat": faisss}, times)
        print(f"\n{f'{name}, {count:,} rows':<30}{'ms a probe':>12}{'x ours':>10}{'same ten':>10}")
        for way, taken in seconds.items():
            same = all(set(a) == set(b) for a, b in zip(found[way], found["ours, mapped"], strict=True))
            reached &= same
            ratio = taken / seconds["ours, mapped"]
            print(f"{way:<30}{1e3 * taken / some:>12.2f}{ratio:>10.2f}{'yes' if same else 'NO':>10}")
        best = min(seconds["numpy"], seconds["faiss flat"])
        mine = seconds["ours, mapped"]
        if some == 1:
            reached &= mine <= ONE * best
            print(f"ours is {mine / best:.2f} x the faster of the others (target: at most {ONE})")
        else:
            reached &= seconds["faiss flat"] >= MANY * mine
            print(f"faiss is {seconds['faiss flat'] / mine:.1f} x ours (target: at least {MANY:.0f})")
    print(
        f"memory besides mapped files: {before:,.0f} MB; numpy's and faiss's copies {loaded - before:,.0f} MB"
    )
    return reached


def profiles(first: int, count: int) -> list[Profile]:
    """Draw speakers of two utterances each."""
    vectors = np.random.default_rng(first).standard_normal((count, 2, DIM), dtype=np.float32)
    return [
        Profile(f"spk{first + row}", MODEL, tuple(Enrollment(each, "", "", 1.0) for each in both))
        for row, both in enumerate(vectors)
    ]


RULE = DecisionRule(Backend(), Threshold(0.0))


def store(folder: Path, count: int, filled: int) -> None:
    """Time how a matrix is built from a store, and follows it."""
    speakers, backend = SpeakerStore(folder / "speakers.sqlite"), Backend()
    speakers.restore(profiles(0, count))
    began = time.perf_counter()
    ours = Matrix(speakers.database, MODEL, backend, "mean", on_disk=True)
    ours.view()
    built = time.perf_counter() - began
    began = time.perf_counter()
    Matrix(speakers.database, MODEL, backend, "mean", on_disk=True).view()
    opened = time.perf_counter() - began
    fill(ours, filled)
    way = make_search(speakers.database, MODEL, RULE, SearchOptions())
    probe = backend.sides(np.ones((1, DIM), np.float32))
    way.search(probe, TOP)
    steps, searches = [], []
    for number in range(5):
        speakers.restore(profiles(10_000_000 + number, 1))
        times = [time.perf_counter()]
        way.counts()
        times.append(time.perf_counter())
        way.search(probe, TOP)
        times.append(time.perf_counter())
        steps.append(times[1] - times[0])
        searches.append(times[2] - times[1])
    print(
        f"\nmatrix of a store of {count:,} profiles: built in {built:.2f} s, opened again in {1e3 * opened:.1f} ms"
    )
    print(
        f"in step after one enrollment, {filled:,} rows: {1e3 * min(steps):.1f} ms, of {len(steps)} the least"
    )
    print(f"the whole answer then, from the store: {1e3 * min(searches):.1f} ms")


def fill(ours: Matrix, count: int) -> None:
    """Fill a matrix up with rows whose speakers are in no store; as opposed to them, all others come first."""
    assert isinstance(ours.home, Shelf)
    state = ours.home.state()
    assert state is not None
    slots = ours.home.open(state)
    slots.reserve(count + 10)
    free, none = slots.free()[: count - slots.used()], np.zeros(2**14, np.float32)
    row = -unit_rows(np.ones((1, DIM), np.float32))
    for begin in range(0, len(free), 2**14):
        some = free[begin : begin + 2**14]
        rows = np.broadcast_to(row, (len(some), DIM))
        terms = Terms(np.asarray(rows), none[: len(some)], none[: len(some)])
        slots.put(some, 10**12 + some, terms, state.changes)
    ours.home.save(state.model_copy(update={"rows": slots.used()}))


def approximate(folder: Path, count: int, rounds: int) -> None:
    """Time usearch's index of a store, whose speakers sound more or less alike, and count what it finds."""
    rng = np.random.default_rng(0)
    kinds = rng.standard_normal((count // 100, DIM), dtype=np.float32)
    speakers = SpeakerStore(folder / "clusters.sqlite")
    speakers.restore(
        Profile(f"spk{row}", MODEL, (Enrollment(kinds[row % len(kinds)] + noise, "", "", 1.0),))
        for row, noise in enumerate(rng.standard_normal((count, DIM), dtype=np.float32))
    )
    backend = Backend()
    exactly = make_search(speakers.database, MODEL, RULE, SearchOptions())
    exactly.counts()
    roughly = make_search(speakers.database, MODEL, RULE, SearchOptions(approximate=True))
    asked = [
        backend.sides(
            speakers.get(f"spk{row}").embeddings + 0.7 * rng.standard_normal((1, DIM), dtype=np.float32)
        )
        for row in range(0, count, count // PROBES)
    ][:PROBES]
    began = time.perf_counter()
    roughly.search(asked[0], TOP)
    built = time.perf_counter() - began
    seconds = {"exact": np.inf, "usearch": np.inf}
    names: dict[str, set[tuple[int, str]]] = {}
    for _ in range(rounds):
        for name, way in (("exact", exactly), ("usearch", roughly)):
            began = time.perf_counter()
            found = [way.search(probe, TOP).ranked[0] for probe in asked]
            seconds[name] = min(seconds[name], (time.perf_counter() - began) / len(asked))
            names[name] = {(row, each) for row, some in enumerate(found) for each, _ in some}
    print(f"\n{f'answers, {count:,} profiles':<30}{'ms a probe':>12}{'x ours':>10}{'of the ten':>12}")
    for name, taken in seconds.items():
        share = len(names[name] & names["exact"]) / len(names["exact"])
        print(f"{name:<30}{1e3 * taken:>12.2f}{taken / seconds['exact']:>10.2f}{share:>12.3f}")
    print(f"the index was built in {built:.1f} s")


def main() -> None:
    """Print the tables; end with 1 if a target is missed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--profiles", type=int, default=1_000_000)
    parser.add_argument("--stored", type=int, default=20_000)
    parser.add_argument("--clustered", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=10)
    options = parser.parse_args()
    faiss.omp_set_num_threads(1)
    with TemporaryDirectory() as name:
        reached = exact(Path(name), options.profiles, options.rounds)
        (Path(name) / "rows").unlink()
        store(Path(name), options.stored, options.profiles)
        approximate(Path(name), options.clustered, 3)
    if not reached:
        raise SystemExit("a target is missed")


if __name__ == "__main__":
    main()
