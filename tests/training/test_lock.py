import shutil
import signal
import subprocess
import sys
import threading

import pytest
from filelock import FileLock

from speakertrip.errors import SpeakertripWarning, StorageError, UsageError
from speakertrip.training import lock, train
from speakertrip.training.lock import LOCK, held, is_held

HOLD = """
import sys, time
from pathlib import Path
from speakertrip.training.lock import held
with held(Path(sys.argv[1])):
    (Path(sys.argv[1]) / "metrics.jsonl").touch()
    print("holds", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def holder(tmp_path):
    """A process that holds the lock of ``tmp_path / "run"``."""
    with subprocess.Popen([sys.executable, "-c", HOLD, tmp_path / "run"], stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"holds\n"
        yield process
        process.kill()


def test_a_second_process_is_refused_until_the_first_is_gone(holder, tmp_path, monkeypatch):
    run = tmp_path / "run"
    monkeypatch.setattr(lock, "PATIENCE", 0.1)
    assert is_held(run) is True
    with pytest.raises(UsageError, match=f"Another process trains in {run}; wait"), held(run):
        pass
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert is_held(run) is False
    with held(run):  # at once
        assert is_held(run) is True
    assert is_held(run) is False


def test_one_that_is_just_ending_is_waited_for(holder, tmp_path):
    killer = threading.Timer(0.5, holder.kill)
    killer.start()
    with held(tmp_path / "run"):
        assert holder.wait() == -signal.SIGKILL
    killer.join()


def test_a_start_that_was_refused_leaves_no_folder(tmp_path):
    (tmp_path / "mine").mkdir()
    for name in ("run", "mine"):
        with pytest.raises(KeyError), held(tmp_path / name):
            raise KeyError
    assert [path.name for path in tmp_path.rglob("*")] == ["mine"]
    with held(tmp_path / "mine"):
        (tmp_path / "mine" / "metrics.jsonl").touch()
    assert sorted(path.name for path in (tmp_path / "mine").iterdir()) == ["metrics.jsonl", LOCK]


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    for place in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(StorageError, match=f"Cannot write {place}: "), held(place):
            pass


def test_a_file_system_without_locks(tmp_path, monkeypatch):
    def none(*arguments, **options):
        raise NotImplementedError

    monkeypatch.setattr(FileLock, "acquire", none)
    (tmp_path / LOCK).touch()
    with pytest.warns(SpeakertripWarning, match="has no locks"), held(tmp_path):
        assert is_held(tmp_path) is None


def test_of_a_run_without_a_lock_nothing_is_known(tmp_path):
    assert is_held(tmp_path) is None
    assert not list(tmp_path.iterdir())


def test_a_run_holds_its_folder_while_it_trains(config, corpus, tmp_path, monkeypatch):
    monkeypatch.setattr(lock, "PATIENCE", 0.1)
    run, seen = tmp_path / "run", []

    def look(record):
        before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
        for resume in (True, False):
            with pytest.raises(UsageError, match="Another process trains in"):
                train(config, corpus, run, resume=resume)
        assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before
        seen.append(is_held(run))

    assert train(config, corpus, run, on_record=look)
    assert seen == [True] * 3
    assert is_held(run) is False
    shutil.copytree(run, tmp_path / "copy")
    assert (tmp_path / "copy" / LOCK).read_bytes() == b""  # nothing of this process: all runs have the same
