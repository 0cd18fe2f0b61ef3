from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import count

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from voices import rule

from speakertrip.backend import Backend, LinearCalibration
from speakertrip.enrollment import Crowd, Enrollment, Profile, SearchOptions, SpeakerStore
from speakertrip.errors import SpeakertripWarning, StoreError

MODEL = "m" * 64


def profiles(rng, count, model=MODEL):
    return [
        Profile(
            f"spk{number}",
            model,
            tuple(
                Enrollment(rng.standard_normal(6).astype(np.float32), "a.wav", "", 1.0 + number)
                for _ in range(rng.integers(1, 4))
            ),
        )
        for number in range(count)
    ]


def backend(calibrated):
    calibration = LinearCalibration(("score",), np.array([8.0]), -2.0) if calibrated else None
    return Backend(calibration=calibration)


@pytest.fixture(scope="module")
def store_of(scratch):
    numbers = count()

    def make(*several):
        store = SpeakerStore(scratch / f"{next(numbers)}.sqlite")
        store.restore(several)
        return store

    return make


@settings(max_examples=20)
@given(st.integers(0, 1000), st.integers(1, 9), st.integers(1, 12), st.booleans())
def test_the_candidates_are_those_that_verify_highest(store_of, seed, count, top, calibrated):
    rng = np.random.default_rng(seed)
    everybody, ours = profiles(rng, count), backend(calibrated)
    probe = ours.sides(rng.standard_normal((1, 6)).astype(np.float32), None, np.array([2.0]))
    only = np.zeros(1, np.int64)
    scores = {}
    for profile in everybody:
        rows = [list(range(len(profile.enrollments)))]
        side = ours.sides(profile.embeddings, rows, np.array([e.seconds for e in profile.enrollments]))
        scores[profile.name] = float(ours.score(side, probe, only, only)[0])
    expected = sorted(scores.items(), key=lambda each: -each[1])[:top]
    found = Crowd(store_of(*everybody), MODEL, rule(ours, 0.3)).search(probe, top)
    assert found.profiles == count
    assert [each.name for each in found.candidates] == [name for name, _ in expected]
    assert [each.decision.score for each in found.candidates] == pytest.approx(
        [s for _, s in expected], abs=1e-5
    )
    for each in found.candidates:
        assert each.decision.accepted == (each.decision.score >= 0.3)
        assert (each.decision.llr is not None) == calibrated
    best = found.candidates[0]
    assert found.name == (best.name if best.decision.accepted else None)


def test_speakers_of_another_model_are_left_out_with_a_warning(store_of):
    rng = np.random.default_rng(0)
    others = [replace(each, name=f"other-{each.name}") for each in profiles(rng, 2, "n" * 64)]
    probe = Backend().sides(rng.standard_normal((1, 6)).astype(np.float32))
    with pytest.warns(SpeakertripWarning, match="2 speakers enrolled with another model cannot be compared"):
        crowd = Crowd(store_of(*others, *profiles(rng, 3)), MODEL, rule(Backend()))
    found = crowd.search(probe, 9)
    assert (found.profiles, sorted(each.name for each in found.candidates)) == (3, ["spk0", "spk1", "spk2"])
    with pytest.raises(
        StoreError, match="Nobody is enrolled with this model, though 2 speakers with another; enroll"
    ):
        Crowd(store_of(*others), MODEL, rule(Backend()))
    with pytest.raises(StoreError, match="Nobody is enrolled with this model; enroll"):
        Crowd(store_of(), MODEL, rule(Backend()))


@pytest.mark.parametrize("on_disk", [False, True])
def test_who_is_gone_meanwhile(store_of, on_disk):
    rng = np.random.default_rng(0)
    store, probe = store_of(*profiles(rng, 1)), Backend().sides(np.ones((1, 6), np.float32))
    crowd = Crowd(store, MODEL, rule(Backend()), SearchOptions(on_disk=on_disk))
    assert crowd.search_all(Backend().sides(np.ones((3, 6), np.float32)), 1)[2] == crowd.search(probe, 1)
    store.remove("spk0")
    with pytest.raises(StoreError, match="Nobody is enrolled with this model; enroll"):
        crowd.search(probe)


@pytest.mark.parametrize("on_disk", [False, True])
@pytest.mark.parametrize("scoring", ["mean", "best"])
def test_threads_that_share_a_crowd_while_others_enroll_and_remove(store_of, on_disk, scoring):
    rng = np.random.default_rng(0)
    several = [replace(each, name=f"stays{number}") for number, each in enumerate(profiles(rng, 20))]
    store = store_of(*several)
    crowd = Crowd(store, MODEL, rule(Backend()), SearchOptions(scoring, on_disk))

    def look(number):
        seen = several[number % len(several)]
        groups = [list(range(len(seen.enrollments)))] if scoring == "mean" else [[0]]
        found = crowd.search(Backend().sides(seen.embeddings, groups), 2)
        return found.name == seen.name and found.candidates[0].decision.score > 0.999

    with ThreadPoolExecutor(4) as pool:
        right = pool.map(look, range(120))
        for number, each in enumerate(profiles(rng, 15)):
            store.restore([replace(each, name=f"goes{number}")])
            if number % 5 == 4:
                store.remove(f"goes{number}")
        assert all(right)
    assert crowd.search(Backend().sides(several[0].embeddings[:1])).profiles == 32
