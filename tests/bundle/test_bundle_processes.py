"""A bundle that several processes write, are killed at, and read, at once."""

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from speakertrip.bundle.files import is_there, read_folder, write_folder

FILES = [
    {"config.json": bytes([65 + i]) * 100, "model.safetensors": bytes([65 + i]) * 50_000} for i in range(3)
]
WRITE = """
import sys, types
package = types.ModuleType("speakertrip.bundle")  # in place of its own, which loads torch
package.__path__ = [sys.argv[1]]
sys.modules["speakertrip.bundle"] = package
from pathlib import Path
from speakertrip.bundle.files import write_folder
letter, times = sys.argv[3].encode(), int(sys.argv[4])
print("ready", flush=True)
sys.stdin.readline()
for _ in range(times):
    write_folder(Path(sys.argv[2]), {"config.json": letter * 100, "model.safetensors": letter * 50_000})
"""


def writer(folder: Path, number: int, times: int) -> subprocess.Popen[str]:
    """Start a process that writes the files of a number again and again, once it is told to."""
    import speakertrip.bundle

    command = [sys.executable, "-c", WRITE, speakertrip.bundle.__path__[0], folder, "ABC"[number], times]
    pipe = subprocess.PIPE
    process = subprocess.Popen(list(map(str, command)), stdin=pipe, stdout=pipe, stderr=pipe, text=True)
    assert process.stdout.readline() == "ready\n"
    return process


def begin(process: subprocess.Popen[str]) -> None:
    process.stdin.write("\n")
    process.stdin.flush()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_each_of_several_writers_writes(tmp_path):
    write_folder(tmp_path / "x", FILES[0])
    (tmp_path / "x" / "notes.txt").write_text("years of work")
    processes = [writer(tmp_path / "x", number, 30) for number in range(3)]
    for process in processes:
        begin(process)
    assert [process.communicate()[1] for process in processes] == ["", "", ""]
    assert read_folder(tmp_path / "x", ()) in FILES
    assert names(tmp_path) == ["x"]
    assert (tmp_path / "x" / "notes.txt").read_text() == "years of work"


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")
def test_a_killed_writer_leaves_a_bundle_that_is_read_and_written(tmp_path):
    write_folder(tmp_path / "x", FILES[0])
    seeded = random.Random(0)
    for _ in range(8):
        with writer(tmp_path / "x", 1, 10_000) as process:
            begin(process)
            time.sleep(seeded.uniform(0, 0.03))
            process.kill()
        assert read_folder(tmp_path / "x", ()) in FILES
        write_folder(tmp_path / "x", FILES[0])
        assert names(tmp_path) == ["x"]


def test_a_reader_beside_a_writer_reads_one_state_or_another(tmp_path):
    write_folder(tmp_path / "x", FILES[0])
    with writer(tmp_path / "x", 1, 10_000) as first, writer(tmp_path / "x", 2, 10_000) as second:
        for process in (first, second):
            begin(process)
        end = time.monotonic() + 1.5
        try:
            while time.monotonic() < end:
                assert is_there(tmp_path / "x")
                assert read_folder(tmp_path / "x", ("config.json",)) in FILES
        finally:
            first.kill()
            second.kill()
