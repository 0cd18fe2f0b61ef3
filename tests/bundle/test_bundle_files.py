import shutil
import subprocess
from pathlib import Path

import pytest

from speakertrip.bundle.files import SUMS, read_folder, require_replaceable, write_folder
from speakertrip.errors import BundleError, StorageError

OLD, NEW = {"a.txt": b"old"}, {"a.txt": b"new", "b.txt": bytes(range(256))}


def read(folder: Path) -> dict[str, bytes]:
    return read_folder(folder, ("a.txt",))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_was_written_is_read(tmp_path):
    write_folder(tmp_path / "deep" / "er" / "x", NEW)
    assert read(tmp_path / "deep" / "er" / "x") == NEW
    assert names(tmp_path / "deep" / "er") == ["x"]


def test_a_folder_is_replaced_whole(tmp_path):
    for files in (NEW, OLD):
        write_folder(tmp_path / "x", files)
    assert names(tmp_path / "x") == [SUMS, "a.txt"]
    assert names(tmp_path) == ["x"]


def test_an_empty_folder_may_be_there(tmp_path):
    write_folder(tmp_path, NEW)
    assert read(tmp_path) == NEW


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="this system has no sha256sum")
def test_the_checksums_are_those_of_sha256sum(tmp_path):
    write_folder(tmp_path / "x", NEW)
    checked = subprocess.run(
        ["sha256sum", "--check", "--strict", SUMS], cwd=tmp_path / "x", capture_output=True, check=True
    )
    assert checked.stdout.decode().splitlines() == ["a.txt: OK", "b.txt: OK"]


class Broken(BaseException):
    """What no handler catches: the process ends here."""


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), Broken()])
@pytest.mark.parametrize(
    ("method", "call"), [("write_bytes", 1), ("write_text", 0), ("rename", 0), ("rename", 1)]
)
def test_a_write_that_breaks_off_leaves_the_old_folder(tmp_path, monkeypatch, method, call, error):
    write_folder(tmp_path / "x", OLD)
    calls, real = [], getattr(Path, method)

    def fail(self, *args, **kwargs):
        calls.append(self)
        if len(calls) == call + 1:
            raise error
        return real(self, *args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(Path, method, fail)
        with pytest.raises(StorageError if isinstance(error, OSError) else Broken):
            write_folder(tmp_path / "x", NEW)
    assert len(calls) > call
    assert read(tmp_path / "x") == OLD
    assert names(tmp_path) == ["x"]


def test_a_process_killed_between_the_two_renames(tmp_path):
    write_folder(tmp_path / "x", OLD)
    (tmp_path / "x").rename(tmp_path / ".x.old")
    write_folder(tmp_path / ".x.part", {})
    assert read(tmp_path / "x") == OLD
    write_folder(tmp_path / "x", NEW)
    assert read(tmp_path / "x") == NEW
    assert names(tmp_path) == ["x"]


def test_a_link_keeps_pointing_to_what_is_replaced(tmp_path):
    write_folder(tmp_path / "x", OLD)
    (tmp_path / "link").symlink_to("x")
    for _ in range(2):
        write_folder(tmp_path / "link", NEW)
    assert read(tmp_path / "x") == read(tmp_path / "link") == NEW
    assert names(tmp_path) == ["link", "x"]


def test_what_was_put_beside_the_files_stays(tmp_path):
    write_folder(tmp_path / "x", NEW)
    (tmp_path / "x" / "notes.txt").write_text("years of work")
    (tmp_path / "x" / "plots").mkdir()
    (tmp_path / "x" / "plots" / "a.png").touch()
    for files in (OLD, NEW):
        write_folder(tmp_path / "x", files)
        assert read(tmp_path / "x") == files
        assert names(tmp_path / "x") == [SUMS, *files, "notes.txt", "plots"]
        assert names(tmp_path) == ["x"]
    assert (tmp_path / "x" / "notes.txt").read_text() == "years of work"
    assert names(tmp_path / "x" / "plots") == ["a.png"]


@pytest.mark.parametrize("call", range(5))  # of two files aside, what was replaced, and it once more
def test_what_was_put_beside_the_files_outlives_any_kill(tmp_path, monkeypatch, call):
    write_folder(tmp_path / "x", NEW)
    for name in ("notes.txt", "more.txt"):
        (tmp_path / "x" / name).write_text("years of work")
    calls, real = [], Path.rename

    def die(self, target):
        calls.append(self)
        if len(calls) > call:
            raise Broken
        return real(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", die)
        patch.setattr(
            shutil, "rmtree", lambda *arguments, **options: None
        )  # nor does a killed process tidy up
        with pytest.raises(Broken):
            write_folder(tmp_path / "x", OLD)
    assert len(calls) > call
    write_folder(tmp_path / "x", OLD)
    assert names(tmp_path / "x") == [SUMS, "a.txt", "more.txt", "notes.txt"]
    assert read(tmp_path / "x") == OLD
    assert names(tmp_path) == ["x"]


def test_a_file_by_the_name_of_a_new_one_is_not_replaced(tmp_path):
    write_folder(tmp_path / "x", OLD)
    (tmp_path / "x" / "b.txt").write_text("years of work")
    with pytest.raises(StorageError, match=r"x holds other files \(b\.txt\); move them elsewhere"):
        write_folder(tmp_path / "x", NEW)
    assert read(tmp_path / "x") == OLD
    assert (tmp_path / "x" / "b.txt").read_text() == "years of work"


def test_whether_a_folder_would_be_replaced_can_be_asked_before(tmp_path):
    write_folder(tmp_path / "x", OLD)
    (tmp_path / "x" / "notes.txt").touch()
    (tmp_path / "empty").mkdir()
    for place in ("x", "empty", "none"):
        require_replaceable(tmp_path / place)
    (tmp_path / "file").touch()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.txt").touch()
    with pytest.raises(StorageError, match="file: Not a directory"):
        require_replaceable(tmp_path / "file")
    with pytest.raises(StorageError, match=r"other holds other files \(thesis\.txt\)"):
        require_replaceable(tmp_path / "other")


def test_other_files_are_never_replaced(tmp_path):
    for name in ("folder/thesis.txt", "file"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("years of work")
    with pytest.raises(StorageError, match="holds other files"):
        write_folder(tmp_path / "folder", NEW)
    for path in (tmp_path / "file", tmp_path / "file" / "below", Path("/proc/x")):
        with pytest.raises(StorageError, match="Cannot write"):
            write_folder(path, NEW)
    assert names(tmp_path) == ["file", "folder"]
    assert (tmp_path / "folder" / "thesis.txt").read_text() == (tmp_path / "file").read_text()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", b"New", "damaged: a.txt is not what was written"),
        ("b.txt", b"", "damaged: b.txt is not what was written"),
        ("a.txt", None, "incomplete: a.txt cannot be read"),
        ("b.txt", None, "incomplete: b.txt cannot be read"),
        (SUMS, None, "is not a bundle"),
        (SUMS, b"", "damaged: a.txt is not what was written"),
        (SUMS, b"no checksums\n", "is not a bundle"),
        (SUMS, b"\xff\xfe", "is not a bundle"),
        (SUMS, b"00  /etc/passwd\n", "incomplete: /etc/passwd cannot be read"),
    ],
)
def test_what_is_not_as_it_was_written(tmp_path, name, content, message):
    write_folder(tmp_path / "x", NEW)
    (tmp_path / "x" / name).unlink()
    if content is not None:
        (tmp_path / "x" / name).write_bytes(content)
    with pytest.raises(BundleError, match=message):
        read(tmp_path / "x")


@pytest.fixture
def replacing(tmp_path, monkeypatch):
    """Have each file of a name replaced, with its folder, at the moment at which it is opened, some times."""

    def begin(name, times):
        real = Path.open

        def late(self, *arguments, **options):
            nonlocal times
            reads = "rb" in (*arguments, options.get("mode"))
            if self.name == name and reads and times:
                times -= 1
                write_folder(tmp_path / "x", {"a.txt": b"%d more" % times})
            return real(self, *arguments, **options)

        monkeypatch.setattr(Path, "open", late)

    return begin


@pytest.mark.parametrize(("name", "times"), [(SUMS, 1), ("a.txt", 1), ("b.txt", 1), ("a.txt", 6)])
def test_a_folder_that_is_replaced_while_it_is_read_is_read_anew(tmp_path, replacing, name, times):
    write_folder(tmp_path / "x", NEW)
    replacing(name, times)
    assert read(tmp_path / "x") == {"a.txt": b"0 more"}


def test_a_folder_that_is_always_replaced(tmp_path, replacing):
    write_folder(tmp_path / "x", NEW)
    replacing("a.txt", 1000)
    with pytest.raises(BundleError, match="x is replaced again and again while it is read"):
        read(tmp_path / "x")


def test_no_folder(tmp_path):
    (tmp_path / "file").touch()
    for path in (tmp_path / "x", tmp_path / "file", tmp_path / "file" / "x"):
        with pytest.raises(BundleError, match="no such folder"):
            read(path)
    with pytest.raises(BundleError, match="is not a bundle"):
        read(tmp_path)


@pytest.mark.parametrize("name", ["model.pt", "MODEL.PKL", "optimizer.ckpt", "pytorch_model.bin"])
def test_pickles_are_refused_by_name(tmp_path, name):
    write_folder(tmp_path / "x", {"a.txt": b"", name: b""})
    with pytest.raises(BundleError, match=f"holds {name}, a pickle, which may run anything"):
        read(tmp_path / "x")
