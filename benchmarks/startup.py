"""How long a user waits for `speakertrip --help`, beside a bare interpreter and an import of torch.

Target: under 0.3 s.
"""

import statistics
import subprocess
import sys
import time

RUNS = 10
COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "speakertrip --help": ["-m", "speakertrip", "--help"],
    "import speakertrip": ["-c", "import speakertrip"],
    "import torch": ["-c", "import torch"],
}


def seconds(arguments: list[str]) -> float:
    """Run a fresh interpreter and return its wall time."""
    began = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def main() -> None:
    """Print the median of each, and its ratio to the bare interpreter of the same run."""
    times = {name: [] for name in COMMANDS}  # type: dict[str, list[float]]
    for _ in range(RUNS):  # in turns, so that a change of the machine's speed meets all
        for name, arguments in COMMANDS.items():
            times[name].append(seconds(arguments))
    bare = statistics.median(times["python -c pass"])
    for name, each in times.items():
        middle = statistics.median(each)
        print(
            f"{name:<20} {middle:6.3f} s  ({min(each):.3f} to {max(each):.3f})  {middle / bare:5.1f} x bare"
        )


if __name__ == "__main__":
    main()
