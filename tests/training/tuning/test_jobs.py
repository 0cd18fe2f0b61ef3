import os
import time
from contextlib import nullcontext
from pathlib import Path

import pytest

from speakertrip.errors import DataError, TrainingError
from speakertrip.training.tuning import jobs
from speakertrip.training.tuning.jobs import work_together


def fail_once(folder):
    """Leave a file named after process and threads; the first fails, the other waits to be told."""
    import torch

    Path(folder, f"{os.getpid()}-{torch.get_num_threads()}").touch()
    try:
        Path(folder, "first").mkdir()
    except FileExistsError:
        time.sleep(60)
        Path(folder, "late").touch()
    else:
        while len(list(Path(folder).glob("*-*"))) < 2:
            time.sleep(0.05)
        raise DataError("The manifest is bad.")


def die(folder):
    os._exit(9)


def die_once(folder):
    """The first dies, the other waits to be told."""
    try:
        Path(folder, "first").mkdir()
    except FileExistsError:
        time.sleep(60)
        Path(folder, "late").touch()
    else:
        die(folder)


def wait_to_be_told(folder):
    time.sleep(60)
    Path(folder, "late").touch()


def test_each_has_its_threads_and_an_error_in_one_ends_all_and_is_raised_here(tmp_path):
    with pytest.raises(DataError, match=r"The manifest is bad\."):
        work_together(fail_once, tmp_path, jobs=2, threads=3)
    assert not (tmp_path / "late").exists()
    pids, threads = zip(*(path.name.split("-") for path in tmp_path.glob("*-*")), strict=True)
    assert len({*pids, str(os.getpid())}) == 3
    assert threads == ("3", "3")


def test_a_process_that_is_killed_is_told_of(tmp_path):
    with pytest.raises(TrainingError, match="ended with code 9"):
        work_together(die, tmp_path, jobs=1, threads=1)


def test_the_death_of_one_ends_all(tmp_path):
    with pytest.raises(TrainingError, match="ended with code 9"):
        work_together(die_once, tmp_path, jobs=2, threads=1)
    assert not (tmp_path / "late").exists()


def test_an_interrupt_waits_for_processes_that_have_not_begun(tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(jobs, "interruptible", lambda: nullcontext(lambda: True))
    work_together(wait_to_be_told, tmp_path, jobs=1, threads=1)
    assert not (tmp_path / "late").exists()
    assert capfd.readouterr().err == ""
