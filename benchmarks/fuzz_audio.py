"""Whether any damaged audio file crashes the reader, hangs it, takes its memory, or ends in a foreign exception.

Files of a second in WAV (PCM, float, A-law), FLAC, Opus, Vorbis, MP3 and, where av is installed, m4a and webm are
damaged in the ways of ``speakertrip.audio.corruption``, and read in every way: header, whole, a stretch, from memory.
A worker process has 5 s a file (--limit) and 1 GiB above what it begins with; where it dies or is late, the file is
kept, and the next worker goes on. Variant I of seed S is the same on every run.

    python benchmarks/fuzz_audio.py --count 10000 --seed 0 --workers 1 --keep runs/fuzz

Exits with 1 if anything but an AudioError, or samples, came out.
"""

import argparse
import io
import multiprocessing
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt

from speakertrip.audio import AudioBytes, decode, read_header
from speakertrip.audio.codec import encode_bytes
from speakertrip.audio.corruption import corrupt
from speakertrip.errors import AudioError

GIB = 2**30
RATE = 16_000
KINDS_OF_FILE = {
    "wav": ("WAV", "PCM_16"),
    "wav float": ("WAV", "FLOAT"),
    "wav A-law": ("WAV", "ALAW"),
    "flac": ("FLAC", "PCM_16"),
    "opus": ("OGG", "OPUS"),
    "vorbis": ("OGG", "VORBIS"),
    "mp3": ("MP3", "MPEG_LAYER_III"),
}
AV_KINDS = {"m4a": ("ipod", "aac", RATE), "webm": ("webm", "libopus", 48_000)}
GOOD = ("decoded", "refused")


def speech(rate: int) -> npt.NDArray[np.float32]:
    """Return a second of a buzz in syllables, ``(rate,)``."""
    t = np.arange(rate) / rate
    buzz = sum(np.sin(2 * np.pi * 140 * k * t) / k for k in range(1, 12)) * np.clip(np.sin(25 * t), 0, None)
    noise = np.random.default_rng(0).standard_normal(rate)
    return (0.2 * buzz + 0.01 * noise).astype(np.float32)


def sound_files() -> dict[str, bytes]:
    """Return what an undamaged file of each kind holds."""
    files = {
        name: encode_bytes(speech(RATE), RATE, container, subtype)
        for name, (container, subtype) in KINDS_OF_FILE.items()
    }
    try:
        import av
    except ImportError:
        return files
    for name, (container, codec, rate) in AV_KINDS.items():
        frame = av.AudioFrame.from_ndarray(speech(rate)[None], format="fltp", layout="mono")
        frame.sample_rate = rate
        content = io.BytesIO()
        with av.open(content, "w", format=container) as output:
            track = output.add_stream(codec, rate=rate, layout="mono")
            for each in (frame, None):
                output.mux(track.encode(each))
        files[name] = content.getvalue()
    return files


def variant(files: dict[str, bytes], seed: int, number: int) -> tuple[str, str, bytes]:
    """Return kind of file, kind of damage and content of a variant."""
    rng = np.random.default_rng([seed, number])
    name, other = (str(each) for each in rng.choice(list(files), 2))
    kind, content = corrupt(files[name], files[other], rng)
    return name, kind, content


def read(path: Path) -> str:
    """Read a file in every way; return "decoded", "refused", or what is wrong with the outcome."""
    outcome = "refused"
    content = AudioBytes(path.read_bytes(), path.name)
    for source, start, duration in (
        (path, 0.0, None),
        (path, 0.4, 0.2),
        (content, 0.0, None),
        (content, 0.4, 0.2),
    ):
        try:
            if duration is None:
                read_header(source)
            waveform, rate = decode(source, start, duration)
        except AudioError:
            continue
        except BaseException as error:
            return f"{type(error).__name__}: {error}"
        if (
            waveform.dtype != np.float32
            or waveform.ndim != 1
            or not len(waveform)
            or not np.isfinite(waveform).all()
        ):
            return "samples that are none"
        if not 0 < rate < 1e6:
            return f"a rate of {rate}"
        outcome = "decoded"
    return outcome


def work(connection: Connection) -> None:
    """Read file after file whose names come, and answer each with the outcome and the peak memory in MiB."""
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + GIB, size + GIB))
    connection.send("ready")
    while path := connection.recv():
        outcome = read(path)
        connection.send((outcome, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))


@dataclass(frozen=True)
class Outcome:
    """What became of a variant.

    Attributes:
        number: which one.
        file: kind of file.
        damage: kind of damage.
        words: "decoded", "refused", or what went wrong.
        seconds: how long it took, by the clock.
        mebibytes: peak memory of the worker so far; 0 where it is gone.
    """

    number: int
    file: str
    damage: str
    words: str
    seconds: float
    mebibytes: float


class Worker:
    """A process that reads files, watched, and replaced where it dies or is late."""

    def __init__(self, target: Callable[[Connection], None], limit: float) -> None:
        self.target, self.limit = target, limit
        self.process: SpawnProcess | None = None

    def read(self, path: Path) -> tuple[str, float]:
        """Return the outcome of a file in words, and the peak memory in MiB."""
        process = self.process or self._start()
        try:
            self.connection.send(path)
            if self.connection.poll(self.limit):
                words, peak = self.connection.recv()
                return words, peak
            words = "hang"
        except (EOFError, OSError):
            process.join()
            words = f"crash ({process.exitcode})"
        process.kill()
        self.process = None
        return words, 0.0

    def stop(self) -> None:
        """Let the process end."""
        if self.process is not None:
            self.connection.send(None)
            self.process.join()

    def _start(self) -> SpawnProcess:
        spawn = multiprocessing.get_context("spawn")
        self.connection, there = spawn.Pipe()
        self.process = spawn.Process(target=self.target, args=(there,), daemon=True)
        self.process.start()
        there.close()
        self.connection.recv()
        return self.process


def read_all(
    files: dict[str, bytes],
    seed: int,
    numbers: Sequence[int],
    folder: Path,
    limit: float,
    target: Callable[[Connection], None] = work,
) -> list[Outcome]:
    """Return the outcome of each variant; files of those that went well are removed again."""
    worker = Worker(target, limit)
    outcomes = []
    for number in numbers:
        file, damage, content = variant(files, seed, number)
        path = folder / f"{seed}-{number}.{file.replace(' ', '-')}"
        path.write_bytes(content)
        began = time.perf_counter()
        words, peak = worker.read(path)
        outcomes.append(Outcome(number, file, damage, words, time.perf_counter() - began, peak))
        if words in GOOD:
            path.unlink()
    worker.stop()
    return outcomes


def report(outcomes: Sequence[Outcome], seed: int) -> bool:
    """Print counts by kind, and every variant that went wrong; tell whether there was any."""
    bad = [each for each in outcomes if each.words not in GOOD]
    for kind in ("file", "damage"):
        counts = Counter(
            (getattr(each, kind), each.words if each.words in GOOD else "wrong") for each in outcomes
        )
        for name in sorted({name for name, _ in counts}):
            print(f"{name:<25}" + "".join(f"{counts[name, each]:>7} {each}" for each in (*GOOD, "wrong")))
        print()
    slowest = max(outcomes, key=lambda each: each.seconds)
    peak = max(each.mebibytes for each in outcomes)
    print(
        f"{len(outcomes)} variants, {len(bad)} wrong; the slowest (variant {slowest.number}, {slowest.file}) took "
        f"{slowest.seconds:.2f} s; peak memory {peak:.0f} MiB"
    )
    for each in bad:
        print(f"seed {seed}, variant {each.number}: {each.file}, {each.damage}: {each.words}")
    return bool(bad)


def main() -> int:
    """Run, and print what came out."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--limit", type=float, default=5.0, help="seconds a file; more on a busy machine")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="folder for the files of variants that went wrong")
    options = parser.parse_args()
    files = sound_files()
    with TemporaryDirectory() as scratch, ThreadPoolExecutor(options.workers) as pool:
        folder = options.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        shares = [range(first, options.count, options.workers) for first in range(options.workers)]
        results = pool.map(
            lambda numbers: read_all(files, options.seed, numbers, folder, options.limit), shares
        )
        outcomes = [each for share in results for each in share]
    return int(report(outcomes, options.seed))


if __name__ == "__main__":
    sys.exit(main())
