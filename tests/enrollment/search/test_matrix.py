import json
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import pytest
from voices import BACKENDS, MODEL, enrollments, probes_of, rule

from speakertrip.backend import Backend
from speakertrip.enrollment import Crowd, Profile, SearchOptions, SpeakerStore
from speakertrip.enrollment.search import matrix
from speakertrip.enrollment.search.matrix import Matrix
from speakertrip.enrollment.search.search import EverybodySearch, NominatedSearch
from speakertrip.enrollment.store import database, rows
from speakertrip.enrollment.store.schema import APPLICATION_ID, MIGRATIONS
from speakertrip.enrollment.store.tables import shelf, state
from speakertrip.enrollment.store.tables.shelf import Memory, Shelf, folder_of, locked
from speakertrip.errors import StorageError

DIM = 24
PIECE = 16  # bytes of an embedding that occur nowhere else by chance


@pytest.fixture
def store(tmp_path):
    return SpeakerStore(tmp_path / "speakers.sqlite")


def enroll(store, count, first=0, each=2):
    several = [
        Profile(f"spk{number}", MODEL, tuple(enrollments(np.random.default_rng(number), each, DIM)))
        for number in range(first, first + count)
    ]
    store.restore(several)
    return several


def matrix_of(store, backend=BACKENDS["cosine"], scoring="mean", on_disk=True):
    return Matrix(store.database, MODEL, backend, scoring, on_disk)


def right(store, backend=BACKENDS["cosine"], on_disk=True):
    """Tell whether a search finds what a comparison with everybody finds."""
    probes = probes_of(backend, np.random.default_rng(0), 3, DIM)
    found = NominatedSearch(matrix_of(store, backend, on_disk=on_disk)).search(probes, 4)
    expected = EverybodySearch(store.database, MODEL, rule(backend), "mean").search(probes, 4)
    return [[name for name, _ in each] for each in found.ranked] == [
        [name for name, _ in each] for each in expected.ranked
    ]


def left(store, profiles, backend=BACKENDS["cosine"]):
    """Return how many pieces of the rows or utterances of profiles stand in any file beside the store."""
    content = b"".join(path.read_bytes() for path in store.path.parent.rglob("*") if path.is_file())
    vectors = np.concatenate([p.embeddings for p in profiles])
    groups = np.split(np.arange(len(vectors)), np.cumsum([len(p.enrollments) for p in profiles])[:-1])
    means = backend.sides(vectors, [list(group) for group in groups]).embeddings
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    data = means.tobytes() + vectors.tobytes() + backend.prepare(vectors).tobytes()
    return sum(data[at : at + PIECE] in content for at in range(0, len(data), PIECE))


def test_the_next_process_finds_it_in_step_and_reads_nothing(store, monkeypatch):
    enroll(store, 10)
    assert matrix_of(store).view().speakers == 10
    root = folder_of(store.path)
    assert root == store.path.with_name("speakers.sqlite-search")
    for path in (root, *root.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
    monkeypatch.setattr(rows, "read_profile", None)
    view = matrix_of(store).view()
    assert (view.speakers, view.others, len(view.table.rows)) == (10, 0, 10)


def test_only_what_changed_is_read(store, monkeypatch):
    enroll(store, 10)
    ours, read, real = matrix_of(store), [], rows.read_profile
    ours.view()
    enroll(store, 1, first=20)
    store.add("spk3", MODEL, enrollments(np.random.default_rng(9), 1, DIM), "add")
    store.rename("spk4", "spk-four")
    store.remove("spk5")
    monkeypatch.setattr(rows, "read_profile", lambda db, name: read.append(name) or real(db, name))
    assert ours.view().speakers == 10
    assert sorted(read) == ["spk-four", "spk20", "spk3"]
    assert ours.view() is ours.view()
    monkeypatch.undo()
    assert right(store)


def test_slots_are_used_again(store):
    enroll(store, 10)
    ours = matrix_of(store)
    for number in range(10, 40):
        store.remove(f"spk{number - 10}")
        enroll(store, 1, first=number)
        assert len(ours.view().owners) <= 11
    assert right(store)


def test_a_row_number_that_became_anothers(store):
    enroll(store, 3)
    ours = matrix_of(store)
    ours.view()
    store.remove("spk2")
    enroll(store, 1, first=7)
    with store.database.reading() as db:
        assert rows.find(db, "spk7")[0] == 3
    assert ours.view().speakers == 3
    assert right(store)


def test_models_backends_and_scorings_have_a_folder_each(store):
    profiles = enroll(store, 4)
    centred = Backend(centre=np.full(DIM, 0.1, np.float32))
    others = [matrix_of(store), matrix_of(store, centred), matrix_of(store, scoring="best")]
    assert [each.view().speakers for each in others] == [4, 4, 4]
    assert [len(each.view().owners) for each in others] == [4, 4, 8]
    assert len({each.home.folder for each in others}) == 3
    assert store.remove("spk0")
    assert left(store, profiles[:1]) == left(store, profiles[:1], centred) == 0


@pytest.mark.parametrize("scoring", ["mean", "best"])
def test_what_is_removed_is_erased_from_it(store, scoring):
    profiles = enroll(store, 6)
    ours = matrix_of(store, scoring=scoring)
    ours.view()
    assert left(store, profiles[:1]) > 0
    assert store.remove("spk0")
    assert left(store, profiles[:1]) == 0
    store.add("spk1", MODEL, enrollments(np.random.default_rng(99), 1, DIM), "replace")
    assert left(store, profiles[1:2]) == 0
    store.rename("spk2", "spk-two")
    store.restore([Profile("spk3", MODEL, profiles[4].enrollments[:1])], replace=True)
    assert left(store, profiles[3:4]) == 0
    assert left(store, profiles[4:]) > 0
    assert right(store)
    assert ours.view().speakers == 5


def test_a_row_number_that_is_anothers_keeps_nothing_of_who_had_it(store):
    profiles = enroll(store, 3)
    matrix_of(store).view()
    store.add("spk2", MODEL, enrollments(np.random.default_rng(99), 1, DIM), "replace")
    with store.database.reading() as db:
        assert rows.find(db, "spk2")[0] == 3
    assert left(store, profiles[2:]) == 0


def test_a_search_between_a_removal_and_its_erasure(store, monkeypatch):
    profiles = enroll(store, 6)
    ours = matrix_of(store)
    ours.view()
    monkeypatch.setattr(database, "clear_stale", lambda path, db, patience: False)
    assert store.remove("spk1") is False
    assert left(store, profiles[1:2]) > 0
    assert ours.view().speakers == 5
    assert right(store)
    assert left(store, profiles[1:2]) == 0


def test_what_a_loss_of_power_left_without_an_owner_is_erased(store):
    profiles = enroll(store, 6)
    ours = matrix_of(store)
    ours.view()
    slots = ours.home.open(ours.home.state())
    slots.rows[7] = slots.rows[1]
    assert store.remove("spk1")
    assert left(store, profiles[1:2]) == 0


def test_while_another_process_holds_it_an_erasure_is_pending(store, monkeypatch):
    monkeypatch.setattr(database, "ERASING_SECONDS", 0.05)
    profiles = enroll(store, 3)
    matrix_of(store).view()
    monkeypatch.setattr(database.Database.erase, "__defaults__", (0.05,))
    with locked(folder_of(store.path), 1.0) as ours:
        assert ours
        assert store.remove("spk1") is False
        assert store.names() == ["spk0", "spk2"]
        assert left(store, profiles[1:2]) > 0
    assert store.names() == ["spk0", "spk2"]
    assert left(store, profiles[1:2]) == 0


def test_where_it_cannot_be_erased(store, monkeypatch):
    enroll(store, 3)
    matrix_of(store).view()

    @contextmanager
    def refuse(root, patience):
        raise OSError(30, "Read-only file system")
        yield

    monkeypatch.setattr(shelf, "locked", refuse)
    with pytest.raises(
        StorageError, match=r"Cannot write .*-search: Read-only file system; delete that folder"
    ):
        store.remove("spk1")
    monkeypatch.undo()
    assert store.names() == ["spk0", "spk2"]
    assert right(store)


KILLED = """
import os, signal, sys
from speakertrip.backend import Backend
from speakertrip.enrollment import SpeakerStore
from speakertrip.enrollment.search import matrix
from speakertrip.enrollment.store.tables import shelf, slots
from speakertrip.enrollment.search.matrix import Matrix

store, where, what, countdown = SpeakerStore(sys.argv[1]), *sys.argv[2:4], int(sys.argv[4])
place, name = {
    "owners": (slots.Slots, "put"), "clear": (slots.Slots, "clear"), "flush": (slots.FileSlots, "flush"),
    "grow": (slots.FileSlots, "_map"), "state": (shelf, "write_state"), "stale": (shelf, "clear_stale"),
}[where]
real = getattr(place, name)

def killing(*given):
    global countdown
    countdown -= 1
    if countdown:
        return real(*given)
    if where == "owners":  # half of the rows
        self, some, speakers, terms, changes = given
        self.owners[some] = 1 + changes
        self.owners[some, 0] = speakers
        self.rows[some[::2]] = terms.rows[::2]
    os.kill(os.getpid(), signal.SIGKILL)

setattr(place, name, killing)
from speakertrip.enrollment.store import database
database.clear_stale = shelf.clear_stale
matrix.PROFILES = 3
if what == "remove":
    store.remove("spk1")
else:
    Matrix(store.database, "m" * 64, Backend(), "mean", True).view()
"""


def kill(store, where, what="search", countdown=1):
    command = [sys.executable, "-c", KILLED, store.path, where, what, str(countdown)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == -9, done.stderr


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")
@pytest.mark.parametrize(
    ("where", "countdown"), [("owners", 1), ("owners", 2), ("grow", 2), ("flush", 1), ("state", 1)]
)
def test_a_search_that_is_killed_as_it_begins(store, where, countdown):
    profiles = enroll(store, 7)
    kill(store, where, countdown=countdown)
    assert store.remove("spk1")
    assert left(store, profiles[1:2]) == 0
    assert right(store)


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")
@pytest.mark.parametrize(
    ("where", "countdown"), [("owners", 1), ("owners", 2), ("clear", 1), ("flush", 1), ("state", 1)]
)
def test_a_search_that_is_killed_as_it_follows(store, where, countdown):
    enroll(store, 4)
    matrix_of(store).view()
    profiles = enroll(store, 6, first=4)
    store.add("spk0", MODEL, enrollments(np.random.default_rng(99), 1, DIM), "add")
    kill(store, where, countdown=countdown)
    copy = store.path.parent.with_name(f"{store.path.parent.name}-copy")
    shutil.copytree(store.path.parent, copy)
    assert right(SpeakerStore(copy / store.path.name))
    assert store.remove("spk5")
    assert left(store, profiles[1:2]) == 0
    assert right(store)


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")
@pytest.mark.parametrize("where", ["stale", "clear", "flush"])
def test_a_removal_that_is_killed_before_it_is_erased_here(store, where):
    profiles = enroll(store, 4)
    matrix_of(store).view()
    kill(store, where, "remove")
    if where != "flush":
        assert left(store, profiles[1:2]) > 0
    assert store.names() == ["spk0", "spk2", "spk3"]  # the next opening completes it
    assert left(store, profiles[1:2]) == 0
    assert right(store)


def damage_state(folder):
    (folder / state.STATE).write_text("{")


def remove_state(folder):
    (folder / state.STATE).unlink()


def shorten(folder):
    os.truncate(folder / "owners", 16)


def another_model(folder):
    facts = json.loads((folder / state.STATE).read_text())
    facts["contents"]["model"] = "n" * 64
    (folder / state.STATE).write_text(json.dumps(facts))


def nothing(folder):
    shutil.rmtree(folder.parent)


@pytest.mark.parametrize("damage", [damage_state, remove_state, shorten, another_model, nothing])
def test_what_is_damaged_is_made_anew(store, damage):
    enroll(store, 5)
    ours = matrix_of(store)
    ours.view()
    damage(ours.home.folder)
    assert right(store)
    enroll(store, 1, first=9)
    assert ours.view().speakers == 6
    assert right(store)


def test_another_store_in_its_place(store, tmp_path):
    enroll(store, 5)
    matrix_of(store).view()
    for path in tmp_path.glob("speakers.sqlite*"):
        if path.is_file():
            path.unlink()
    enroll(SpeakerStore(store.path), 5, first=50)  # this object would not make it anew
    assert right(store)
    assert matrix_of(store).view().speakers == 5


def test_an_older_copy_in_its_place(store, tmp_path):
    enroll(store, 5)
    shutil.copy(store.path, tmp_path / "older")
    store.remove("spk4")
    enroll(store, 3, first=50)
    matrix_of(store).view()
    shutil.copy(tmp_path / "older", store.path)
    assert right(store)
    store.remove("spk3")
    for number in range(60, 63):  # as many changes as there were: only an unknown row number tells
        enroll(store, 1, first=number)
    assert right(store)


def test_speakers_who_are_not_there_have_it_made_anew(store):
    enroll(store, 5)
    ours = matrix_of(store)
    slots = ours.home.open(ours.home.state()) if ours.view() else None
    slots.owners[:5, 0] += 100  # as of a history that the store never had
    slots.flush()
    assert right(store)


def test_where_no_folder_can_be_written_it_is_kept_in_memory(store, monkeypatch):
    enroll(store, 5)

    def refuse(self, *given, **named):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refuse)
    assert right(store)
    ours = matrix_of(store)
    assert ours.view().speakers == 5
    assert isinstance(ours.home, Memory)
    assert not folder_of(store.path).exists()


def test_a_disk_that_is_full_leaves_it_in_memory(store, monkeypatch):
    enroll(store, 5)

    def refuse(self, capacity):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("speakertrip.enrollment.store.tables.slots.FileSlots._grow", refuse)
    assert right(store)


def test_nothing_is_kept_where_that_is_not_wanted(store):
    enroll(store, 5)
    probe = probes_of(Backend(), np.random.default_rng(0), 1, DIM)
    Crowd(store, MODEL, rule(Backend()), SearchOptions(on_disk=False)).search(probe)
    assert not folder_of(store.path).exists()


def test_a_file_of_an_older_version_is_searched_in_memory_and_stays_as_it_is(store):
    with closing(sqlite3.connect(store.path)) as db:
        db.executescript(
            MIGRATIONS[1] + f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = 1;"
        )
        row = "INSERT INTO enrollments (speaker, embedding, path, sha256, seconds) VALUES (?, ?, '', '', 1.5)"
        for number in range(1, 6):
            db.execute(
                "INSERT INTO speakers (id, name, model) VALUES (?, ?, ?)", (number, f"spk{number}", MODEL)
            )
            [each] = enrollments(np.random.default_rng(number), 1, DIM)
            db.execute(row, (number, each.embedding.tobytes()))
        db.commit()
    before = store.path.read_bytes()
    assert right(store)
    ours = matrix_of(store)
    assert (ours.view().speakers, isinstance(ours.home, Memory)) == (5, True)
    assert store.path.read_bytes() == before
    enroll(store, 3, first=10)
    assert ours.view().speakers == 8
    assert right(store)
    assert isinstance(matrix_of(store).home, Shelf)


SEARCHING = """
import sys, numpy as np
from speakertrip.backend import Backend, DecisionRule, Threshold
from speakertrip.enrollment import Crowd, SpeakerStore
from speakertrip.enrollment.search.search import EverybodySearch

store, backend = SpeakerStore(sys.argv[1]), Backend()
crowd = Crowd(store, "m" * 64, DecisionRule(backend, Threshold(0.0)))
rng, searches = np.random.default_rng(0), 0
while "last" not in store.names():
    names = store.names()
    profile = store.find(names[int(rng.integers(len(names)))])
    if profile is None:  # removed since
        continue
    probe = backend.sides(profile.embeddings[:1])
    found = crowd.search(probe, 3)
    scores = [each.decision.score for each in found.candidates]
    assert scores == sorted(scores, reverse=True)
    if profile.name.startswith("stays"):  # nobody removes it, and nobody sounds like it
        assert found.candidates[0].name == profile.name, (found, profile.name)
    searches += 1
    if searches == 1:
        print("ready", flush=True)
print(searches)
"""


def test_processes_that_search_while_others_enroll_and_remove(store):
    enroll(store, 3, first=100)
    for number in range(100, 103):
        store.rename(f"spk{number}", f"stays{number}")
    command = [sys.executable, "-W", "error", "-c", SEARCHING, store.path]
    searching = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert [process.stdout.readline() for process in searching] == ["ready\n"] * 2
    mine = matrix_of(store)
    for number in range(10):
        store.add(f"spk{number}", MODEL, enrollments(np.random.default_rng(number), 1, DIM))
        store.rename(f"spk{number}", f"stays{number}")
        store.add(
            "comes and goes", MODEL, enrollments(np.random.default_rng(number + 500), 1, DIM), "replace"
        )
        if number % 5 == 0:
            store.remove("comes and goes")
            mine.view()
    store.add("last", MODEL, enrollments(np.random.default_rng(1000), 1, DIM))
    for process in searching:
        assert int(process.communicate(timeout=60)[0]) > 1
        assert process.returncode == 0
    assert right(store)
    assert matrix.PROFILES > 3
