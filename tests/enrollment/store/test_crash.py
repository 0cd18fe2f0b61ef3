"""The short form of ``benchmarks/store.py``: enrollments under SIGKILL, and many processes at once."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / "benchmarks" / "store.py"


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")
@pytest.mark.parametrize("how", [[], ["--encrypted"]], ids=["plain", "encrypted"])
def test_nothing_is_lost_when_processes_are_killed_or_many(how):
    command = [sys.executable, SCRIPT, "--enrollments", "25", "--seconds", "1", *how]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("nothing lost") == 1
    assert done.stdout.count("are there") == 1
