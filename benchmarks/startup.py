"""How long a user waits: for `speakertrip --help`, for the first answer of `verify`, and for the next ones.

Beside a bare interpreter and an import of torch, each in fresh processes and in turns. Targets: `--help` under 0.3 s;
`verify` at most 1.2 s beyond `import torch`; once loaded, under 60 ms for 3 s of audio on one core.

The model is the one that ships with speakertrip, unless another is named. Wall time is what a user feels, and the
processor's time what other work on the machine leaves alone.
"""

import argparse
import os
import resource
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

RUNS, WARM_RUNS, SECONDS = 10, 40, 3.0
TORCH, VERIFY = "import torch", "speakertrip verify"
COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "speakertrip --help": ["-m", "speakertrip", "--help"],
    "import speakertrip": ["-c", "import speakertrip"],
    TORCH: ["-c", "import torch"],
}
# A package that is installed is compiled once, and not at each start.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


@dataclass(frozen=True, slots=True)
class Seconds:
    """What a run took: time that passed, and time of the processor."""

    wall: float
    cpu: float


def run(arguments: Sequence[str], good: Sequence[int] = (0,)) -> Seconds:
    """Run a fresh interpreter; end here where it ends with none of the good codes, or by a signal."""
    began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, *arguments], stdout=subprocess.DEVNULL, env=ENVIRONMENT, check=False
    )
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode not in good:
        raise SystemExit(f"python {shlex.join(arguments)} ended with {done.returncode}.")
    return Seconds(wall, after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)


def make_recordings(folder: Path) -> tuple[Path, Path]:
    """Write two synthetic voices."""
    from speakertrip.corpora.voices import draw_channel, draw_voice, synthesize

    paths = folder / "reference.wav", folder / "probe.wav"
    for seed, path in enumerate(paths):
        rng = np.random.default_rng(seed)
        soundfile.write(path, synthesize(draw_voice(rng), draw_channel(rng), SECONDS, rng), 16_000)
    return paths


def row(name: str, times: Sequence[float], unit: str = "s", scale: float = 1) -> str:
    """Return the median and the range."""
    middle, low, high = (scale * each(times) for each in (statistics.median, min, max))
    return f"{name:<43} {middle:6.3f} {unit}  ({low:.3f} to {high:.3f})"


def cold(verify: Sequence[str]) -> None:
    """Print the time of each command, and what `verify` takes beyond an import of torch."""
    commands = {**COMMANDS, VERIFY: list(verify)}
    good: dict[str, Sequence[int]] = {**dict.fromkeys(COMMANDS, (0,)), VERIFY: (0, 1)}  # 1: rejected
    for name, arguments in commands.items():
        run(arguments, good[name])
    times: dict[str, list[Seconds]] = {name: [] for name in commands}
    for _ in range(RUNS):  # in turns, so that a change of the machine's speed meets all
        for name, arguments in commands.items():
            times[name].append(run(arguments, good[name]))
    kinds: dict[str, Callable[[Seconds], float]] = {
        "wall": lambda each: each.wall,
        "processor": lambda each: each.cpu,
    }
    for kind, of in kinds.items():
        for name, found in times.items():
            print(row(f"{name}, {kind}", [of(each) for each in found]))
        beyond = [of(ours) - of(torchs) for ours, torchs in zip(times[VERIFY], times[TORCH], strict=True)]
        print(row(f"{VERIFY} beyond torch, {kind}", beyond))


def warm(model: Path | None, reference: Path, probe: Path) -> None:
    """Print the time of one more answer: load, embed and score a probe of 3 s."""
    from speakertrip import SpeakerVerifier

    verifier = SpeakerVerifier.from_pretrained(model, device="cpu", threads=1)
    claim = verifier.reference(reference)
    wall, cpu = [], []
    for _ in range(WARM_RUNS):
        began, began_cpu = time.perf_counter(), time.process_time()
        verifier.compare(claim, probe)
        wall.append(time.perf_counter() - began)
        cpu.append(time.process_time() - began_cpu)
    for kind, found in (("wall", wall), ("processor", cpu)):
        print(row(f"{SECONDS:g} s of audio once loaded, {kind}", found[1:], "ms", 1000))


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, help="a bundle")
    model: Path | None = parser.parse_args().model
    with tempfile.TemporaryDirectory() as folder:
        reference, probe = make_recordings(Path(folder))
        named = ["--model", str(model)] if model else []
        files = ["--against", str(reference), str(probe)]
        cold(["-m", "speakertrip", "verify", *named, *files, "--threads", "1"])
        warm(model, reference, probe)


if __name__ == "__main__":
    main()
