from contextlib import closing

import numpy as np

from speakertrip.enrollment import Enrollment, SpeakerStore
from speakertrip.enrollment.store import changes

MODEL = "0" * 64


def enrollment(seed=0):
    return Enrollment(np.random.default_rng(seed).standard_normal(4).astype(np.float32), "a.wav", "", 1.0)


def look(store, since=0):
    with store.database.reading() as db:
        return changes.position(db), [name for _, name, _ in changes.changed_since(db, since)]


def test_every_change_is_counted_and_found(tmp_path):
    store = SpeakerStore(tmp_path / "speakers.sqlite")
    store.add("spk1", MODEL, [enrollment(1)])
    first, names = look(store)
    assert (names, first.removal) == (["spk1"], 0)
    assert first.origin != 0
    store.add("spk2", MODEL, [enrollment(2)])
    second, names = look(store, first.changes)
    assert (names, second.changes > first.changes, second.origin) == (["spk2"], True, first.origin)
    store.add("spk1", MODEL, [enrollment(3)], "add")
    third, names = look(store, second.changes)
    assert (names, third.changes > second.changes) == (["spk1"], True)
    store.rename("spk1", "spk3")
    fourth, names = look(store, third.changes)
    assert (names, fourth.removal) == (["spk3"], 0)
    store.remove("spk3")
    fifth, names = look(store, fourth.changes)
    assert (names, fifth.removal) == ([], fifth.changes)
    store.add("spk2", MODEL, [enrollment(4)], "replace")
    sixth, names = look(store, fifth.changes)
    assert (names, sixth.removal > fifth.changes) == (["spk2"], True)
    assert look(store) == (sixth, ["spk2"])


def test_a_row_number_that_is_used_again_is_a_change(tmp_path):
    store = SpeakerStore(tmp_path / "speakers.sqlite")
    for name in ("spk1", "spk2"):
        store.add(name, MODEL, [enrollment()])
    before, _ = look(store)
    store.remove("spk2")
    store.add("spk3", MODEL, [enrollment()])
    with store.database.reading() as db:
        assert [number for number, _, _ in changes.changed_since(db, before.changes)] == [2]
        assert changes.all_numbers(db)[:, 0].tolist() == [1, 2]
        assert changes.count(db) == 2


def test_a_transaction_that_fails_changes_nothing(tmp_path):
    store = SpeakerStore(tmp_path / "speakers.sqlite")
    store.add("spk1", MODEL, [enrollment()])
    before, _ = look(store)
    with closing(store.database._writable(store.path)) as db:
        changes.note(db, 1)
    assert look(store)[0] == before


def test_two_stores_have_two_origins(tmp_path):
    origins = set()
    for name in ("a", "b"):
        store = SpeakerStore(tmp_path / name)
        store.add("spk1", MODEL, [enrollment()])
        origins.add(look(store)[0].origin)
    assert len(origins) == 2
