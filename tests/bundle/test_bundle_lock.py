import errno
import os
import threading
import time

import pytest

from speakertrip.bundle import lock
from speakertrip.bundle.files import read_folder, write_folder
from speakertrip.bundle.lock import alone
from speakertrip.errors import StorageError

OLD, NEW = {"a.txt": b"old"}, {"a.txt": b"new"}


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_the_lock_is_beside_the_folder_while_it_is_held(tmp_path):
    with alone(tmp_path / "deep" / "x"):
        assert names(tmp_path / "deep") == [".x.lock"]
    assert names(tmp_path / "deep") == []


def test_one_at_a_time(tmp_path):
    inside, most = [], []

    def work():
        for _ in range(10):
            with alone(tmp_path / "x"):
                inside.append(1)
                most.append(len(inside))
                time.sleep(0.001)
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 30
    assert names(tmp_path) == []


def test_another_writer_that_does_not_end(tmp_path, monkeypatch):
    write_folder(tmp_path / "x", OLD)
    monkeypatch.setattr(lock, "PATIENCE", 0.1)
    with alone(tmp_path / "x"):
        with pytest.raises(StorageError, match=r"Another process is writing .*x; wait for its end"):
            write_folder(tmp_path / "x", NEW)
        write_folder(tmp_path / "y", NEW)  # which is another
        assert names(tmp_path) == [".x.lock", "x", "y"]
    assert read_folder(tmp_path / "x", ()) == OLD
    write_folder(tmp_path / "x", NEW)


def test_a_lock_that_a_killed_process_left_is_taken_over(tmp_path):
    (tmp_path / ".x.lock").touch()
    write_folder(tmp_path / "x", NEW)
    assert names(tmp_path) == ["x"]


def test_a_lock_that_was_removed_while_one_waited_for_it_is_none(tmp_path, monkeypatch):
    real, opened = os.open, []

    def late(path, *arguments):
        opened.append(real(path, *arguments))
        if len(opened) == 1:  # its holder ends here, and another begins
            path.unlink()
            path.write_bytes(b"")
        return opened[-1]

    monkeypatch.setattr(os, "open", late)
    with alone(tmp_path / "x"):
        assert len(opened) == 2
        assert lock.is_at(opened[1], tmp_path / ".x.lock")


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.ENOTSUP])
def test_a_file_system_without_locks(tmp_path, monkeypatch, code):
    fcntl = pytest.importorskip("fcntl")

    def none(*arguments):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(fcntl, "flock", none)
    for files in (OLD, NEW):
        write_folder(tmp_path / "x", files)
    assert read_folder(tmp_path / "x", ()) == NEW
    assert names(tmp_path) == ["x"]


def test_a_lock_that_fails(tmp_path, monkeypatch):
    fcntl = pytest.importorskip("fcntl")

    def fail(*arguments):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(fcntl, "flock", fail)
    with pytest.raises(StorageError, match=r"Cannot write .*x: Input/output error"):
        write_folder(tmp_path / "x", NEW)
