"""Does the store of speakers lose anything, when processes are killed and when many work at once?

Crash: a process enrolls speakers one after the other, three utterances each, says so of each when ``add`` has returned,
and now and then replaces or removes an earlier one; it is killed by SIGKILL at random moments and started again, until
1,000 are enrolled. After every kill the file must pass SQLite's integrity check, every speaker whose enrollment was
acknowledged must be there whole, every removed one gone, and nobody half.

Together: 8 processes enroll and 8 read for a minute; none may see an error, and nothing may be lost.

    python benchmarks/store.py --enrollments 1000 --seconds 60 --seed 0 [--encrypted]
"""

import argparse
import multiprocessing
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

import numpy as np

from speakertrip.enrollment import Enrollment, SpeakerStore
from speakertrip.errors import StoreError

DIM, UTTERANCES, MODEL = 192, 3, "0" * 64
KEY = bytes(range(32))  # of --encrypted
LONGEST = 0.5  # seconds between a start and its kill, after the imports


def enrollments(number: int) -> list[Enrollment]:
    """Return the utterances of a speaker, drawn by its number."""
    vectors = np.random.default_rng(number).standard_normal((UTTERANCES, DIM)).astype(np.float32)
    return [Enrollment(vector, f"/audio/{number}-{i}.wav", "", 1.0) for i, vector in enumerate(vectors)]


def whole(store: SpeakerStore, number: int) -> bool:
    """Tell whether a speaker is there with all utterances."""
    expected = np.stack([each.embedding for each in enrollments(number)])
    return np.array_equal(store.get(f"spk{number}").embeddings, expected)


def enroll_until_killed(path: str, first: int, last: int, key: bytes | None) -> None:
    """Enroll speakers, replace every fifth and remove every seventh that came ten before; say each when it is done."""
    store = SpeakerStore(path, key)
    print("ready", flush=True)
    for number in range(first, last):
        store.add(
            f"spk{number}", MODEL, enrollments(number), "replace"
        )  # it may be there: killed before it was said
        print("enrolled", number, flush=True)
        earlier = number - 10
        if earlier >= 0 and earlier % 5 == 0 and earlier % 7:
            store.add(f"spk{earlier}", MODEL, enrollments(earlier), "replace")
        if earlier >= 0 and earlier % 7 == 0:
            try:
                store.remove(f"spk{earlier}")
            except StoreError:  # killed after it was removed and before that was said
                assert f"spk{earlier}" not in store.names()
            print("removed", earlier, flush=True)


def crash(path: Path, count: int, seed: int, key: bytes | None) -> None:
    """Kill and restart until so many are enrolled; print what was found, and end with 1 if anything was wrong."""
    rng, began = random.Random(seed), time.monotonic()
    enrolled: set[int] = set()
    removed: set[int] = set()
    unsure: set[int] = set()
    kills = 0
    while len(enrolled) < count:
        first = max(enrolled, default=0)  # once more: its removal of an earlier one may not have been said
        command = [sys.executable, __file__, "--worker", str(path), str(first), str(count)]
        command += ["--encrypted"] if key else []
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(rng.uniform(0, LONGEST))
        process.kill()
        for line in process.stdout.read().splitlines(keepends=True):
            if line.endswith("\n"):
                what, number = line.split()
                (enrolled if what == "enrolled" else removed).add(int(number))
        if process.wait() not in (0, -signal.SIGKILL):
            raise SystemExit("a process that enrolls failed by itself")
        kills += 1
        # What is under way when the process is killed may be done or not, and is not tried again if the enrollment
        # before it was said: the removal of ten before the last, or before the one after that.
        last = max(enrolled, default=-1)
        unsure |= {number for number in (last - 10, last - 9) if number % 7 == 0}
        check(path, enrolled - unsure, removed, key)
    seconds = time.monotonic() - began
    print(
        f"{len(enrolled)} enrollments, {len(removed)} removals, {kills} kills in {seconds:.0f} s: nothing lost"
    )


def check(path: Path, enrolled: set[int], removed: set[int], key: bytes | None) -> None:
    """End with a sentence if the store is not as it was acknowledged to be."""
    if not path.exists():
        if enrolled:
            raise SystemExit("the store is gone")
        return
    with closing(sqlite3.connect(path)) as db:
        (found,) = db.execute("PRAGMA integrity_check").fetchone()
        half = db.execute(
            "SELECT count(*) FROM (SELECT count(e.id) AS n FROM speakers s LEFT JOIN enrollments e "
            f"ON e.speaker = s.id GROUP BY s.id HAVING n != {UTTERANCES})"
        ).fetchone()[0]
    if found != "ok" or half:
        raise SystemExit(f"integrity check: {found}; {half} half profiles")
    store, names = SpeakerStore(path, key), set(SpeakerStore(path, key).names())
    for number in enrolled - removed:
        if f"spk{number}" not in names:
            raise SystemExit(f"spk{number} was enrolled and is lost")
    for number in removed:
        if f"spk{number}" in names:
            raise SystemExit(f"spk{number} was removed and is there")
    for number in sorted(enrolled - removed)[-30:]:
        if not whole(store, number):
            raise SystemExit(f"spk{number} is damaged")


def write(
    path: str, key: bytes | None, writer: int, until: float, done: "multiprocessing.Queue[int]"
) -> None:
    """Enroll speakers until a moment, and put how many on the queue; -1 at an error."""
    store, count = SpeakerStore(path, key), 0
    try:
        while time.monotonic() < until:
            number = writer * 1_000_000 + count
            store.add(f"spk{number}", MODEL, enrollments(number))
            count += 1
    except BaseException as error:
        print(f"writer {writer}: {error!r}", flush=True)
        count = -1
    done.put(count)


def read(path: str, key: bytes | None, until: float, done: "multiprocessing.Queue[int]") -> None:
    """Read names and profiles until a moment, and put how often on the queue; -1 at an error."""
    store, count, rng = SpeakerStore(path, key), 0, random.Random()
    try:
        while time.monotonic() < until:
            names = store.names()
            if names and not whole(store, int(rng.choice(names).removeprefix("spk"))):
                raise RuntimeError("a profile is not whole")
            count += 1
    except BaseException as error:
        print(f"reader: {error!r}", flush=True)
        count = -1
    done.put(count)


def together(path: Path, seconds: float, key: bytes | None, each: int = 8) -> None:
    """Let processes write and read at once; end with 1 if one saw an error or anything is lost."""
    until = time.monotonic() + seconds
    written: multiprocessing.Queue[int] = multiprocessing.Queue()
    reads: multiprocessing.Queue[int] = multiprocessing.Queue()
    processes = [
        multiprocessing.Process(target=write, args=(str(path), key, writer, until, written))
        for writer in range(each)
    ]
    processes += [
        multiprocessing.Process(target=read, args=(str(path), key, until, reads)) for _ in range(each)
    ]
    for process in processes:
        process.start()
    counts, looks = [written.get() for _ in range(each)], [reads.get() for _ in range(each)]
    for process in processes:
        process.join()
    kept = len(SpeakerStore(path, key).names())
    print(
        f"{each} writers: {sum(counts):,} speakers, {each} readers: {sum(looks):,} looks; {kept:,} are there"
    )
    if min(counts + looks) < 0 or kept != sum(counts):
        raise SystemExit("an error was seen, or something is lost")


def main() -> None:
    """Run both, or be the process that is killed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--enrollments", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--encrypted", action="store_true")
    parser.add_argument("--worker", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    key = KEY if options.encrypted else None
    if options.worker:
        path, first, last = options.worker
        enroll_until_killed(path, int(first), int(last), key)
        return
    with tempfile.TemporaryDirectory() as folder:
        crash(Path(folder) / "killed.sqlite", options.enrollments, options.seed, key)
        together(Path(folder) / "shared.sqlite", options.seconds, key)


if __name__ == "__main__":
    main()
