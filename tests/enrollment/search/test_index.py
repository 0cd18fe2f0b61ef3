import os
import sys

import numpy as np
import pytest
from voices import BACKENDS, MODEL, enrollments, probes_of, rule

from speakertrip.backend import Backend, unit_rows
from speakertrip.enrollment import Crowd, Profile, SearchOptions, SpeakerStore
from speakertrip.enrollment.search.matrix import Matrix
from speakertrip.enrollment.search.search import EverybodySearch, make_search
from speakertrip.enrollment.store.tables.shelf import folder_of
from speakertrip.errors import UsageError

DIM, APPROXIMATE = 24, SearchOptions(approximate=True)


@pytest.fixture
def store(tmp_path):
    pytest.importorskip("usearch")
    return SpeakerStore(tmp_path / "speakers.sqlite")


def enroll(store, count, first=0, each=1):
    several = [
        Profile(f"spk{number:04}", MODEL, tuple(enrollments(np.random.default_rng(number), each, DIM)))
        for number in range(first, first + count)
    ]
    store.restore(several)
    return several


def make(store, backend=BACKENDS["cosine"], scoring="mean", on_disk=True):
    return make_search(
        store.database, MODEL, rule(backend), SearchOptions(scoring, on_disk, approximate=True)
    )


def recall(store, way, backend=BACKENDS["cosine"], scoring="mean", top=5):
    """Return the share of the best that a search finds; what it finds has the score of the backend."""
    probes = probes_of(backend, np.random.default_rng(0), 8, DIM)
    expected = EverybodySearch(store.database, MODEL, rule(backend), scoring).search(probes, 10**6)
    found, hits = way.search(probes, top), 0
    for some, everybody in zip(found.ranked, expected.ranked, strict=True):
        scores = dict(everybody)
        assert [score for _, score in some] == pytest.approx([scores[name] for name, _ in some], abs=1e-5)
        hits += len({name for name, _ in some} & {name for name, _ in everybody[:top]})
    return hits / (8 * top)


def indexes(store):
    return sorted(path.name for path in folder_of(store.path).rglob("index*"))


def holds(store, profile):
    """Tell whether the row of a profile stands in a file, in half precision as the index keeps it."""
    row = unit_rows(profile.embeddings).astype(np.float16).tobytes()
    return any(row in path.read_bytes() for path in folder_of(store.path).rglob("*") if path.is_file())


@pytest.mark.parametrize("scoring", ["mean", "best"])
def test_it_finds_most_and_scores_them_as_the_backend_does(store, scoring):
    enroll(store, 300, each=2)
    assert recall(store, make(store, scoring=scoring), scoring=scoring) > 0.9


def test_with_a_score_norm(store):
    cohort = np.random.default_rng(1).standard_normal((20, DIM)).astype(np.float32)
    backend = Backend(cohort=cohort, norm="as", top=5)
    enroll(store, 200)
    assert recall(store, make(store, backend), backend) > 0.8


def test_it_follows_what_is_enrolled(store):
    enroll(store, 50)
    way = make(store)
    assert recall(store, way) > 0.9
    enroll(store, 30, first=100)
    store.add("spk0003", MODEL, enrollments(np.random.default_rng(77), 2, DIM), "add")
    assert recall(store, way) > 0.9
    store.rename("spk0004", "renamed")
    store.remove("spk0005")
    assert recall(store, way) > 0.9
    assert recall(store, make(store, on_disk=False)) > 0.9


def test_its_file_is_read_by_the_next_process_and_written_when_much_changed(store, monkeypatch):
    enroll(store, 200)
    make(store).search(probes_of(Backend(), np.random.default_rng(0), 1, DIM), 3)
    [name] = indexes(store)
    [path] = folder_of(store.path).rglob(name)
    assert path.stat().st_mode & 0o777 == 0o600
    monkeypatch.setattr(
        "speakertrip.enrollment.search.index.ApproximateSearch._empty", None
    )  # it is not made anew
    assert recall(store, make(store)) > 0.9
    enroll(store, 1, first=500)
    assert recall(store, make(store)) > 0.9
    assert indexes(store) == [name]  # one of 200 is not worth it
    enroll(store, 10, first=600)
    assert recall(store, make(store)) > 0.9
    assert len(indexes(store)) == 1
    assert indexes(store) != [name]


def test_an_erasure_drops_it_and_nobody_writes_it_again(store):
    profiles = enroll(store, 60)
    one, another = make(store), make(store)
    for way in (one, another):
        recall(store, way)
    assert holds(store, profiles[7])
    assert store.remove("spk0007")
    assert indexes(store) == []
    enroll(store, 5, first=100)
    for way in (one, another, make(store)):
        assert recall(store, way) > 0.9
        assert len(indexes(store)) == 1
        assert not holds(store, profiles[7])
    assert holds(store, profiles[8])


def test_who_is_removed_while_it_is_made_is_not_written(store, monkeypatch):
    profiles = enroll(store, 60)
    way, held = make(store), []
    save = type(way)._save

    def removing(self, view, index):
        if "spk0007" in store.names():
            store.remove("spk0007")
        save(self, view, index)
        held.append(holds(store, profiles[7]))

    monkeypatch.setattr(type(way), "_save", removing)
    assert recall(store, way) > 0.9
    assert held == [False, False]  # once for who was there as it began, and once anew


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.95])
def test_a_damaged_file_is_made_anew(store, share):
    enroll(store, 60)
    recall(store, make(store))
    [path] = folder_of(store.path).rglob("index*")
    os.truncate(path, int(share * path.stat().st_size))
    assert recall(store, make(store)) > 0.9


def test_speakers_who_sound_alike_are_found_among_many(store):
    enroll(store, 500)
    crowd = Crowd(store, MODEL, rule(Backend(), 0.9), APPROXIMATE)
    for name in ("spk0003", "spk0077", "spk0499"):
        probe = Backend().sides(store.get(name).embeddings + np.float32(0.01))
        assert crowd.search(probe).name == name


def test_what_cannot_be_approximated_is_said(store, monkeypatch):
    enroll(store, 3)
    with pytest.raises(UsageError, match="and offsets of profiles cannot be searched approximately"):
        make(store, BACKENDS["plda"])
    monkeypatch.setitem(sys.modules, "usearch.index", None)
    with pytest.raises(UsageError, match=r"needs the 'usearch' package: pip install 'speakertrip\[search\]'"):
        make(store)
    assert Matrix(store.database, MODEL, Backend(), "mean", True).view().speakers == 3
