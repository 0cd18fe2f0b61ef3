"""Whether any damaged audio file crashes the reader, hangs it, takes its memory, or ends in a foreign exception.

Files of a second in WAV (PCM, float, A-law), FLAC, Opus, Vorbis, MP3 and, where av is installed, m4a and webm are
damaged in the ways of ``speakertrip.audio.corruption``, and read in every way: header, whole, a stretch, from memory.
A worker process has 5 s a file and 1 GiB above what it begins with; where it dies or is late, the file is kept, and
the next worker goes on. Variant I of seed S is the same on every run.

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
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt

from speakertrip.audio import AudioBytes, decode, read_header
from speakertrip.audio.codec import encode_bytes
from speakertrip.audio.corruption import KINDS, corrupt
from speakertrip.errors import AudioError

SECONDS, GIB = 5.0, 2**30
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


def read_all(
    files: dict[str, bytes],
    seed: int,
    numbers: Sequence[int],
    folder: Path,
    worker: Callable[[Connection], None] = work,
) -> Iterator[tuple[int, str, str, str, float, float]]:
    """Yield number, kind of file, kind of damage, outcome, seconds and peak MiB of each variant.

    Files of variants that went well are removed again.
    """
    spawn = multiprocessing.get_context("spawn")
    process = None
    for number in numbers:
        name, kind, content = variant(files, seed, number)
        path = folder / f"{seed}-{number}.{name.replace(' ', '-')}"
        path.write_bytes(content)
        if process is None:
            here, there = spawn.Pipe()
            process = spawn.Process(target=worker, args=(there,), daemon=True)
            process.start()
            there.close()
            here.recv()
        began = time.perf_counter()
        try:
            here.send(path)
            outcome, peak = here.recv() if here.poll(SECONDS) else ("hang", 0.0)
        except (EOFError, OSError):
            process.join()
            outcome, peak = f"crash ({process.exitcode})", 0.0
        if outcome in GOOD:
            path.unlink()
        elif outcome.startswith(("hang", "crash")):
            process.kill()
            process = None
        yield number, name, kind, outcome, time.perf_counter() - began, peak
    if process is not None:
        here.send(None)
        process.join()


def main() -> int:
    """Run, print the counts, and name every variant that went wrong."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="folder for the files of variants that went wrong")
    options = parser.parse_args()
    files = sound_files()
    with TemporaryDirectory() as scratch, ThreadPoolExecutor(options.workers) as pool:
        folder = options.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        shares = [range(first, options.count, options.workers) for first in range(options.workers)]
        rows = [
            row
            for share in pool.map(
                lambda numbers: list(read_all(files, options.seed, numbers, folder)), shares
            )
            for row in share
        ]
    bad = [row for row in rows if row[3] not in GOOD]
    for what, names in ((1, files), (2, KINDS)):
        for name in names:
            counts = Counter("wrong" if row[3] not in GOOD else row[3] for row in rows if row[what] == name)
            print(f"{name:<25}" + "".join(f"{counts[each]:>7} {each}" for each in (*GOOD, "wrong")))
        print()
    slowest, peak = max(row[4] for row in rows), max(row[5] for row in rows)
    print(
        f"{len(rows)} variants, {len(bad)} wrong; the slowest took {slowest:.2f} s; peak memory {peak:.0f} MiB"
    )
    for number, name, kind, outcome, *_ in bad:
        print(f"seed {options.seed}, variant {number}: {name}, {kind}: {outcome}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
