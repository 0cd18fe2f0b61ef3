import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections import namedtuple
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest

from speakertrip.enrollment import Enrollment, SpeakerStore, default_store
from speakertrip.enrollment.store import database
from speakertrip.enrollment.store.schema import VERSION
from speakertrip.errors import StorageError, StoreError, UsageError

MODEL = "0" * 64
NAMES = ["Zo\u00eb", "\u58f0", "'; DROP TABLE speakers;--", "../../x", "%", "--", "a" * 200]

VAST = np.full(24, 1e38, "<f4").tobytes()


def enrollment(seed: int = 0, path: str = "/audio/a.wav") -> Enrollment:
    return Enrollment(np.random.default_rng(seed).normal(size=24).astype(np.float32), path, "ab" * 32, 1.5)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "speakers.sqlite"


def enrolled(file: Path, name: str = "spk1") -> list[float]:
    """Return the first number of each enrolled embedding."""
    return SpeakerStore(file).get(name).embeddings[:, 0].tolist()


def first(*seeds: int) -> list[float]:
    return [float(enrollment(seed).embedding[0]) for seed in seeds]


def test_what_was_enrolled_is_read(file):
    added = SpeakerStore(file).add("spk1", MODEL, [enrollment(0), enrollment(1, "/audio/\u00fc.wav")])
    read = SpeakerStore(str(file)).get("spk1")
    for profile in (added, read):
        assert (profile.name, profile.model) == ("spk1", MODEL)
        assert [e.path for e in profile.enrollments] == ["/audio/a.wav", "/audio/\u00fc.wav"]
        assert [(e.sha256, e.seconds) for e in profile.enrollments] == [("ab" * 32, 1.5)] * 2
        assert profile.embeddings.dtype == np.float32
        np.testing.assert_array_equal(profile.embeddings, [enrollment(i).embedding for i in (0, 1)])


def test_a_name_that_is_taken_is_refused(file):
    SpeakerStore(file).add("spk1", MODEL, [enrollment(0)])
    with pytest.raises(
        StoreError, match="spk1 is enrolled already; add to it by --add, or forget it first by"
    ):
        SpeakerStore(file).add("spk1", MODEL, [enrollment(1)])
    assert enrolled(file) == first(0)


def test_add_keeps_and_replace_forgets(file):
    speakers = SpeakerStore(file)
    for mode in ("add", "replace"):  # both also begin a profile
        speakers.add(mode, MODEL, [enrollment(0)], mode)
    assert len(speakers.add("add", MODEL, [enrollment(1), enrollment(2)], "add").enrollments) == 3
    assert enrolled(file, "add") == first(0, 1, 2)
    speakers.add("replace", MODEL, [enrollment(3)], "replace")
    assert enrolled(file, "replace") == first(3)
    with sqlite3.connect(file) as db:
        assert db.execute("SELECT count(*) FROM enrollments").fetchone() == (4,)


def test_embeddings_of_two_models_do_not_meet(file):
    speakers = SpeakerStore(file)
    speakers.add("spk1", MODEL, [enrollment(0)])
    with pytest.raises(StoreError, match="another model; enroll again by --replace"):
        speakers.add("spk1", "1" * 64, [enrollment(1)], "add")
    assert enrolled(file) == first(0)
    assert speakers.add("spk1", "1" * 64, [enrollment(1)], "replace").model == "1" * 64
    assert enrolled(file) == first(1)


def test_names(file):
    speakers = SpeakerStore(file)
    assert speakers.names() == []
    for seed, name in enumerate(NAMES):
        speakers.add(name, MODEL, [enrollment(seed)])
    assert speakers.names() == sorted(NAMES)
    for seed, name in enumerate(NAMES):
        assert enrolled(file, name) == first(seed)
    assert list(file.parent.iterdir()) == [file]


def test_equal_names_are_one_speaker(file):
    SpeakerStore(file).add("Zoe\u0308", MODEL, [enrollment()])
    assert SpeakerStore(file).get("Zo\u00eb").name == "Zo\u00eb"
    with pytest.raises(StoreError, match="enrolled already"):
        SpeakerStore(file).add("Zo\u00eb", MODEL, [enrollment()])


def test_a_name_that_is_refused_today_is_found_if_it_is_there(file):
    speakers, name = SpeakerStore(file), "ab\u202ecd"
    speakers.add("spk1", MODEL, [enrollment()])
    with sqlite3.connect(file) as db:
        db.execute("UPDATE speakers SET name = ?, lookup = ?", (name, name))
    db.close()
    assert speakers.names() == [speakers.get(name).name] == [name]
    assert speakers.find(name).identifier == speakers.identifier(name)
    assert len(list(speakers.profiles([name]))) == 1
    for new in (name, "\u200b"):
        with pytest.raises(UsageError, match="cannot be seen"):
            speakers.rename(name, new)
    speakers.rename(name, "spk1")
    with pytest.raises(UsageError, match="cannot be seen"):
        speakers.add(name, MODEL, [enrollment()])


def test_unknown_speakers(file):
    with pytest.raises(StoreError, match=r"There is no store .*speakers\.sqlite; enroll"):
        SpeakerStore(file).get("spk2")
    file.touch()  # as while the first speaker is enrolled
    for _ in range(2):
        with pytest.raises(StoreError, match=r"No speaker named spk2 is enrolled in .*speakers\.sqlite"):
            SpeakerStore(file).get("spk2")
        SpeakerStore(file).add("spk1", MODEL, [enrollment()], "replace")
    with pytest.raises(UsageError):
        SpeakerStore(file).get("")


def test_reading_makes_no_file(file):
    with pytest.raises(StoreError):
        SpeakerStore(file).get("spk1")
    assert not file.exists()


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_the_file_is_private(tmp_path):
    file = tmp_path / "new" / "folder" / "speakers.sqlite"
    before = os.umask(0)
    try:
        SpeakerStore(file).add("spk1", MODEL, [enrollment()])
    finally:
        os.umask(before)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_names_that_sqlite_takes_for_something_else(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in (":memory:", "file:x?mode=memory", "a%20b"):
        SpeakerStore(name).add("spk1", MODEL, [enrollment()])
        assert enrolled(Path(name)) == first(0)
        assert Path(name).stat().st_size > 0


def test_a_path_that_is_not_utf8(file):
    profile = SpeakerStore(file).add("spk1", MODEL, [enrollment(path=os.fsdecode(b"/caf\xe9.wav"))])
    assert profile.enrollments[0].path == r"/caf\udce9.wav"


def random_bytes(file: Path) -> None:
    file.write_bytes(np.random.default_rng(0).bytes(5000))


def another_program(file: Path) -> None:
    with sqlite3.connect(file) as db:
        db.execute("CREATE TABLE speakers (id, name)")


def newer_schema(file: Path) -> None:
    SpeakerStore(file).add("spk1", MODEL, [enrollment()])
    with sqlite3.connect(file) as db:
        db.execute(f"PRAGMA user_version = {VERSION + 1}")


def damaged_pages(file: Path) -> None:
    SpeakerStore(file).add("spk1", MODEL, [enrollment()])
    file.write_bytes(file.read_bytes()[:4096] + b"\xff" * 20_000)


def truncated(file: Path) -> None:
    SpeakerStore(file).add("spk1", MODEL, [enrollment(seed) for seed in range(50)])
    file.write_bytes(file.read_bytes()[:9000])


def damaged_schema(file: Path) -> None:
    SpeakerStore(file).add("spk1", MODEL, [enrollment()])
    content = file.read_bytes().replace(b"CREATE TABLE speakers", b"\xff\xfe\xff" * 7)
    file.write_bytes(content.replace(b"tablespeakersspeakers", b"table" + b"\xe9" * 16))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (damaged_schema, "is damaged; restore a copy"),
        (random_bytes, "not a usable store"),
        (another_program, "a database of another program"),
        (newer_schema, f"written by a newer speakertrip .schema {VERSION + 1}.; update"),
        (damaged_pages, "not a usable store"),
        (truncated, "not a usable store"),
    ],
)
def test_files_that_are_no_store(file, spoil, message):
    spoil(file)
    content = file.read_bytes()
    for call in (
        lambda: SpeakerStore(file).get("spk1"),
        lambda: SpeakerStore(file).names(),
        lambda: SpeakerStore(file).add("spk1", MODEL, [enrollment()], "add"),
    ):
        with pytest.raises(StoreError, match=message):
            call()
    assert file.read_bytes() == content


@pytest.mark.parametrize(
    "place", ["file/speakers.sqlite", "/proc/speakers.sqlite", "/proc/no/speakers.sqlite"]
)
def test_where_nothing_can_be_written(tmp_path, place):
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="Cannot write the store"):
        SpeakerStore(tmp_path / place).add("spk1", MODEL, [enrollment()])


def test_a_folder_is_no_store(tmp_path):
    for call in (
        lambda: SpeakerStore(tmp_path).get("spk1"),
        lambda: SpeakerStore(tmp_path).names(),
        lambda: SpeakerStore(tmp_path).add("spk1", MODEL, [enrollment()]),
    ):
        with pytest.raises(StoreError, match="is a folder, not a store of speakers; name a file"):
            call()


@pytest.mark.skipif(sys.platform == "win32", reason="limits are POSIX's")
def test_a_full_disk(file):
    SpeakerStore(file).add("spk1", MODEL, [enrollment(0)])
    script = """
import resource, sys
import numpy as np
from speakertrip.enrollment import Enrollment, SpeakerStore
from speakertrip.errors import StorageError
resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))
try:
    SpeakerStore(sys.argv[1]).add("spk1", "0" * 64, [Enrollment(np.ones(24, "f4"), "", "", 1.0)] * 1_000, "add")
except StorageError as error:
    sys.exit(str(error))
"""
    done = subprocess.run([sys.executable, "-c", script, file], capture_output=True, text=True, check=False)
    assert done.stderr.startswith("Cannot use the store")
    assert enrolled(file) == first(0)


@pytest.mark.skipif(sys.platform == "win32", reason="limits are POSIX's")
@pytest.mark.parametrize("limit", [0, 5_000, 20_000])
def test_a_full_disk_at_the_first_enrollment_leaves_no_file(tmp_path, limit):
    script = """
import resource, sys
import numpy as np
from speakertrip.enrollment import Enrollment, SpeakerStore
from speakertrip.errors import StorageError
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
try:
    SpeakerStore(sys.argv[1]).add("spk1", "0" * 64, [Enrollment(np.ones(24, "f4"), "", "", 1.0)])
except StorageError as error:
    sys.exit(str(error))
"""
    command = [sys.executable, "-c", script, str(tmp_path / "speakers.sqlite"), str(limit)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stderr.startswith(f"Cannot use the store {tmp_path}/speakers.sqlite: ")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("free", "said"), [(1000, "; the disk may be full: make room"), (2**40, "")])
def test_a_full_disk_is_said_to_be_one(file, monkeypatch, free, said):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage(2**40, 0, free))
    SpeakerStore(file).add("spk1", MODEL, [enrollment(0)])
    with (
        pytest.raises(StorageError, match=rf": disk I/O error{said}\.$"),
        SpeakerStore(file).database.writing(),
    ):
        raise sqlite3.OperationalError("disk I/O error")

    def refuse(**_):
        raise OSError(28, "Some error")

    monkeypatch.setattr(database, "TemporaryDirectory", refuse)
    with pytest.raises(StorageError, match=rf": Some error{said}\.$"):
        SpeakerStore(file.with_name("new.sqlite")).add("spk1", MODEL, [enrollment(0)])


def test_a_file_system_without_links(file, monkeypatch):
    def refuse(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(database.os, "link", refuse)
    SpeakerStore(file).add("spk1", MODEL, [enrollment(0)])
    assert enrolled(file) == first(0)
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_a_store_that_another_process_makes_meanwhile(file, monkeypatch):
    def late(*_):
        monkeypatch.undo()
        SpeakerStore(file).add("spk1", MODEL, [enrollment(0)])
        raise FileExistsError(17, "File exists")

    monkeypatch.setattr(database.os, "link", late)
    SpeakerStore(file).add("spk2", MODEL, [enrollment(1)])
    assert SpeakerStore(file).names() == ["spk1", "spk2"]


def remove_files(file: Path) -> None:
    for path in file.parent.glob(f"{file.name}*"):
        path.unlink()


def empty_file(file: Path) -> None:
    file.write_bytes(b"")


@pytest.mark.parametrize("lose", [remove_files, empty_file])
@pytest.mark.parametrize("made", [True, False])
def test_a_store_that_was_removed_is_not_made_anew(file, made, lose):
    if not made:
        SpeakerStore(file).add("spk0", MODEL, [enrollment(0)])
    speakers = SpeakerStore(file)
    assert speakers.names() == [] if made else ["spk0"]
    speakers.add("spk1", MODEL, [enrollment(0)])
    lose(file)
    size = file.stat().st_size if file.exists() else None
    for _ in range(2):
        with pytest.raises(
            StorageError, match=r"^The store .*speakers\.sqlite was removed meanwhile; restore"
        ):
            speakers.add("spk2", MODEL, [enrollment(1)])
    assert (file.stat().st_size if file.exists() else None) == size
    SpeakerStore(file).add("spk2", MODEL, [enrollment(1)])  # another may
    assert speakers.names() == ["spk2"]


def test_a_store_that_is_removed_within_a_call(file):
    speakers = SpeakerStore(file)
    speakers.add("spk1", MODEL, [enrollment(0)])
    for opened in (speakers.database.writing, speakers.database.reading):
        SpeakerStore(file).add("spk1", MODEL, [enrollment(0)], "add")
        with suppress(StorageError), opened():
            remove_files(file)
        assert not file.exists()
    with pytest.raises(StorageError, match="was removed meanwhile"), SpeakerStore(file).database.writing():
        remove_files(file)
    SpeakerStore(file).add("spk1", MODEL, [enrollment(0)])
    assert speakers.database.exists()
    remove_files(file)
    for call in (speakers.database.erase, speakers.database.version):
        with pytest.raises(StorageError, match="was removed meanwhile"):
            call()
    assert not file.exists()


def test_a_failure_within_a_call_changes_nothing(file):
    SpeakerStore(file).add("spk1", MODEL, [enrollment(0)])
    bad = Enrollment(enrollment().embedding, "/a.wav", None, 1.0)
    with pytest.raises(StoreError, match="NOT NULL"):
        SpeakerStore(file).add("spk1", MODEL, [enrollment(1), bad], "replace")
    assert enrolled(file) == first(0)
    with pytest.raises(StoreError):
        SpeakerStore(file).add("spk2", MODEL, [enrollment(1), bad])
    assert SpeakerStore(file).names() == ["spk1"]


def test_reading_while_another_process_writes(file, monkeypatch):
    SpeakerStore(file).add("spk1", MODEL, [enrollment(0)])
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.05)
    with sqlite3.connect(file, isolation_level=None) as db:
        db.execute("BEGIN IMMEDIATE")
        assert enrolled(file) == first(0)  # as from a file that may only be read
        with pytest.raises(StorageError, match="locked"):
            SpeakerStore(file).add("spk2", MODEL, [enrollment()])
        db.execute("ROLLBACK")
    db.close()


@pytest.mark.skipif(os.name != "posix" or os.getuid() != 0, reason="only root can become another user")
def test_a_store_that_may_only_be_read():
    with TemporaryDirectory() as folder:  # pytest's own folders are closed to other users
        file = Path(folder) / "speakers.sqlite"
        SpeakerStore(file).add("spk1", MODEL, [enrollment(0)])
        Path(folder).chmod(0o755)
        file.chmod(0o444)
        os.seteuid(65534)
        try:
            assert enrolled(file) == first(0)
            with pytest.raises(StorageError, match="readonly database"):
                SpeakerStore(file).add("spk2", MODEL, [enrollment()])
        finally:
            os.seteuid(0)


ENROLL = """
import sys
import numpy as np
from speakertrip.enrollment import Enrollment, SpeakerStore
file, process = sys.argv[1], int(sys.argv[2])
sys.stdin.read(1)  # all begin at once
for number in range(5):
    one = [Enrollment(np.full(24, 10 * process + number + 1, "f4"), "/a.wav", "", 1.0)]
    SpeakerStore(file).add("together", "m", one, "add")
    SpeakerStore(file).add(f"spk{process}-{number}", "m", one)
"""


def test_processes_that_enroll_at_once_lose_nothing(file):
    processes = [
        subprocess.Popen([sys.executable, "-c", ENROLL, file, str(i)], stdin=subprocess.PIPE)
        for i in range(4)
    ]
    for process in processes:
        process.stdin.write(b"\n")
        process.stdin.close()
    assert [process.wait(60) for process in processes] == [0] * 4
    assert sorted(enrolled(file, "together")) == [10 * i + j + 1 for i in range(4) for j in range(5)]
    assert len(SpeakerStore(file).names()) == 21


def test_threads_that_make_the_store_at_once(tmp_path):
    for round_ in range(5):
        speakers = SpeakerStore(tmp_path / f"{round_}.sqlite")
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda i, s=speakers: s.add(f"spk{i}", MODEL, [enrollment(i)]), range(8)))
        assert speakers.names() == [f"spk{i}" for i in range(8)]


def test_no_enrollment_is_refused(file):
    with pytest.raises(UsageError, match="at least one utterance"):
        SpeakerStore(file).add("spk1", MODEL, [])
    assert not file.exists()


@pytest.mark.parametrize("blob", [b"", b"123", b"\0\0\xc0\x7f" * 24, bytes(96), VAST, "text", None])
def test_damaged_embeddings_are_refused_and_can_be_replaced(file, blob):
    speakers = SpeakerStore(file)
    speakers.add("spk1", MODEL, [enrollment(0), enrollment(1)])
    with sqlite3.connect(file) as db:
        if blob is None:
            db.execute("DELETE FROM enrollments")
        else:
            db.execute("UPDATE enrollments SET embedding = ? WHERE id = 1", (blob,))
    db.close()
    with pytest.raises(StoreError, match="enrollments of spk1 are damaged; enroll again by --replace"):
        speakers.get("spk1")
    speakers.add("spk1", MODEL, [enrollment(2)], "replace")
    assert enrolled(file) == first(2)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("enrollments SET seconds = 'abc'", True),
        ("enrollments SET seconds = X'00'", True),
        ("enrollments SET speech_seconds = 'abc'", False),
        ("enrollments SET path = X'2f61'", False),
        ("enrollments SET sha256 = X'2f61'", False),
        ("enrollments SET created = X'00'", False),
        ("speakers SET score_offset = 'zz'", False),
        ("speakers SET created = X'00'", True),
        ("speakers SET name = X'00'", True),
    ],
)
def test_values_of_another_type_are_damage(file, change, told):
    speakers = SpeakerStore(file)
    for name in ("spk1", "spk2"):
        speakers.add(name, MODEL, [enrollment(0), enrollment(1)])
    with sqlite3.connect(file) as db:
        db.execute(f"UPDATE {change} WHERE id = 1")
    db.close()
    for call in (lambda: speakers.get("spk1"), lambda: list(speakers.profiles(["spk1"]))):
        with pytest.raises(StoreError, match=r"damaged.*enroll again by --replace"):
            call()
    assert speakers.get("spk2").embeddings.shape == (2, 24)
    if told:
        with pytest.raises(StoreError, match="damaged"):
            speakers.summaries()
    else:
        assert [each.name for each in speakers.summaries()] == ["spk1", "spk2"]
    if "name" in change:
        with pytest.raises(StoreError, match=r"^The name of the speaker with the identifier .* is damaged"):
            speakers.names()
    speakers.add("spk1", MODEL, [enrollment(2)], "replace")
    assert enrolled(file) == first(2)
    assert [each.name for each in speakers.summaries()] == ["spk1", "spk2"]


def test_the_users_own_store(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert default_store() == tmp_path / "speakertrip" / "speakers.sqlite"
    monkeypatch.setenv("XDG_DATA_HOME", "")
    assert default_store() == Path.home() / ".local" / "share" / "speakertrip" / "speakers.sqlite"
