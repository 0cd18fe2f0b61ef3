from dataclasses import replace
from itertools import count

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from voices import BACKENDS, DIM, MODEL, enrollments, probes_of, rule

from speakertrip.backend import Backend
from speakertrip.enrollment import Crowd, Enrollment, Profile, SearchOptions, SpeakerStore
from speakertrip.enrollment.search import search
from speakertrip.enrollment.search.search import EverybodySearch, NominatedSearch, make_search


@pytest.fixture
def store(tmp_path):
    return SpeakerStore(tmp_path / "speakers.sqlite")


def enroll(store, everybody):
    store.restore(Profile(name, MODEL, tuple(several)) for name, several in everybody.items())


def full_sort(store, backend, probes, row, scoring):
    """Score everybody one by one, by the backend alone."""
    only, found = np.zeros(1, np.int64), []
    raw = replace(backend, calibration=None)
    for profile in store.profiles():
        seconds = np.array([each.seconds for each in profile.enrollments])
        everything = list(range(len(seconds)))
        groups = [everything] if scoring == "mean" else [[each] for each in everything]
        sides = [backend.sides(profile.embeddings, [group], seconds) for group in groups]
        both = [
            max(float(each.score(side, probes, only, only + row)[0]) for side in sides)
            for each in (backend, raw)
        ]
        found.append((profile.name, *both))
    return [(name, score) for name, score, _ in sorted(found, key=lambda f: (-f[1], -f[2], f[0]))]


def same(found, expected):
    assert [name for name, _ in found] == [name for name, _ in expected]
    np.testing.assert_allclose([s for _, s in found], [s for _, s in expected], rtol=2e-4, atol=2e-4)


@pytest.mark.parametrize("scoring", ["mean", "best"])
@pytest.mark.parametrize("name", BACKENDS)
def test_every_backend_ranks_as_a_full_sort_of_its_scores(store, name, scoring):
    rng, backend = np.random.default_rng(0), BACKENDS[name]
    enroll(store, {f"spk{number:02}": enrollments(rng, int(rng.integers(1, 4))) for number in range(40)})
    probes = probes_of(backend, rng, 4)
    expected = [full_sort(store, backend, probes, row, scoring) for row in range(4)]
    way = make_search(store.database, MODEL, rule(backend), SearchOptions(scoring))
    assert isinstance(way, EverybodySearch if "plda" in name or name == "quality" else NominatedSearch)
    for top in (1, 10, 100):
        found = way.search(probes, top)
        assert (found.speakers, found.others) == (40, 0)
        for ranked, everybody in zip(found.ranked, expected, strict=True):
            same(ranked, everybody[:top])


NUMBERS = count()
OPERATIONS = st.tuples(
    st.sampled_from(["add", "add", "add", "remove", "rename", "replace", "search"]), st.integers(0, 5)
)


@settings(max_examples=15)
@given(
    st.lists(OPERATIONS, min_size=4, max_size=14), st.sampled_from(["cosine", "as"]),
    st.sampled_from(["mean", "best"]), st.integers(0, 10**6),
)  # fmt: skip
def test_searches_between_changes_are_those_of_everybody(scratch, operations, name, scoring, seed):
    rng, backend = np.random.default_rng(seed), BACKENDS[name]
    store = SpeakerStore(scratch / f"{next(NUMBERS)}.sqlite")
    store.add("first", MODEL, enrollments(rng, 2))
    crowds = [
        Crowd(store, MODEL, rule(backend), SearchOptions(scoring, on_disk)) for on_disk in (True, False)
    ]
    for number, (operation, who) in enumerate([*operations, ("search", 0)]):
        names = store.names()
        spk = names[who % len(names)]
        if operation in ("add", "replace"):
            spk = spk if operation == "replace" or number % 2 else f"spk{number}"
            store.add(spk, MODEL, enrollments(rng, int(rng.integers(1, 4))), operation)
        elif operation == "rename":
            store.rename(spk, f"renamed{number}")
        elif operation == "remove" and len(names) > 1:
            store.remove(spk)
        else:
            probes = probes_of(backend, rng, 2)
            fresh = EverybodySearch(store.database, MODEL, rule(backend), scoring).search(probes, 3)
            for crowd in [*crowds, Crowd(store, MODEL, rule(backend), SearchOptions(scoring))]:
                for found, expected in zip(crowd.search_all(probes, 3), fresh.ranked, strict=True):
                    same([(each.name, each.decision.score) for each in found.candidates], expected)
                    assert found.profiles == len(store.names())


@pytest.mark.parametrize("name", ["cosine", "steps", "plda"])
def test_equal_scores_are_ordered_by_name(store, name):
    rng, backend = np.random.default_rng(0), BACKENDS[name]
    [voice] = enrollments(rng, 1)
    names = [f"spk{number:03}" for number in range(200)]
    enroll(store, {str(name): [voice] for name in rng.permutation(names)})  # more than are nominated at first
    [found] = (
        make_search(store.database, MODEL, rule(backend), SearchOptions())
        .search(probes_of(backend, rng, 1), 5)
        .ranked
    )
    assert [each for each, _ in found] == names[:5]


def test_within_a_step_of_a_calibration_the_score_beneath_decides(store):
    for name, x in (("a", 0.85), ("b", 0.95), ("c", 0.9), ("d", 0.2)):
        voice = np.float32([x, np.sqrt(1 - x * x), 0, 0, 0, 0])
        store.add(name, MODEL, [Enrollment(voice, "a.wav", "", 1.0)])
    backend = BACKENDS["steps"]
    probe = backend.sides(np.eye(DIM, dtype=np.float32)[:1], None, np.ones(1))
    [found] = make_search(store.database, MODEL, rule(backend), SearchOptions()).search(probe, 4).ranked
    assert found == [("b", 2.0), ("c", 2.0), ("a", 2.0), ("d", 0.0)]


def test_a_search_that_others_disturb_is_done_again_and_then_they_wait(store, monkeypatch):
    rng, backend = np.random.default_rng(0), Backend()
    for number in range(5):
        store.add(f"spk{number}", MODEL, enrollments(rng, 1))
    way = make_search(store.database, MODEL, rule(backend), SearchOptions())
    probes, looks = probes_of(backend, rng, 1), []

    def disturbed(view, terms, top):
        looks.append(view.position.changes)
        if len(looks) <= 3:
            store.add(f"more{len(looks)}", MODEL, [Enrollment(probes.embeddings[0], "a.wav", "", 1.0)])
        return nominees(view, terms, top)

    nominees = search.nominees
    monkeypatch.setattr(search, "nominees", disturbed)
    found = way.search(probes, 3)
    assert looks == sorted(set(looks))
    assert len(looks) == 4
    assert [name for name, _ in found.ranked[0]] == ["more1", "more2", "more3"]
    assert found.speakers == 8
