from dataclasses import replace

import numpy as np
import pytest

from speakertrip.backend import Backend, FalseAlarmRate, LinearCalibration, Threshold
from speakertrip.bundle import Bundle
from speakertrip.enrollment import Enrollment, SearchOptions, SpeakerStore
from speakertrip.enrollment.profiles.own_trials import score_own_trials
from speakertrip.errors import StoreError, UsageError
from speakertrip.metrics import OperatingPoint
from speakertrip.verifier import SpeakerVerifier, calibrate_store, calibrating
from speakertrip.verifier.calibrating import read_calibration

DIM = 24


@pytest.fixture
def bundle(bundle_folder) -> Bundle:
    return Bundle.load(bundle_folder)


def fill(store: SpeakerStore, model: str, speakers: int, utterances: int = 3, seed: int = 0) -> None:
    """Enroll voices, of which each third is like all others."""
    rng = np.random.default_rng(seed)
    for number in range(speakers):
        centre = rng.standard_normal(DIM) + (1.5 if number % 3 == 0 else 0)
        rows = [(centre + 0.7 * rng.standard_normal(DIM)).astype(np.float32) for _ in range(utterances)]
        store.add(f"spk{number:02}", model, [Enrollment(row, "/a.wav", "", 2.0) for row in rows])


@pytest.fixture
def store(tmp_path, bundle) -> SpeakerStore:
    store = SpeakerStore(tmp_path / "speakers.sqlite")
    fill(store, bundle.identity, 24)
    return store


@pytest.fixture
def verifier(bundle, store) -> SpeakerVerifier:
    return SpeakerVerifier(bundle, store.path, "cpu")


def test_scores_of_enrolled_speakers_are_those_of_the_calibration(verifier, store, bundle, speech_like):
    probe = verifier.embedder.embed([speech_like(2.0, 0)])
    before = verifier.enrolled("spk01").decide(bundle.backend.sides(probe))
    found = calibrate_store(store, bundle)
    claim = verifier.enrolled("spk01")
    after = claim.decide(bundle.backend.sides(probe))
    assert after.score == pytest.approx(found.weight * before.score + found.bias, abs=1e-5)
    assert after.llr == after.score
    assert after.threshold == found.calibration.threshold == claim.rule.threshold.value
    candidates = verifier.crowd().search(bundle.backend.sides(probe), 24).candidates
    assert {each.name: each.decision for each in candidates}["spk01"] == after
    # What is compared without a store does not know of it.
    assert verifier.rule.threshold.value == bundle.calibration.threshold


def test_the_calibration_is_that_of_the_trials_among_the_speakers(store, bundle):
    found = calibrate_store(store, bundle)
    trials = score_own_trials(list(store.profiles()), bundle.backend)
    fitted = LinearCalibration.fit(trials.scores, trials.targets)
    assert (found.weight, found.bias) == (fitted.weights[0], fitted.bias)
    facts = found.calibration
    assert (facts.trials, facts.targets, facts.speakers) == (24 * 3 + 24 * 23 * 3, 72, 24)
    assert facts.false_alarms is not None
    assert read_calibration(store, bundle) == found


def test_offsets_of_profiles(store, bundle, verifier):
    plain = calibrate_store(store, bundle)
    assert {profile.score_offset for profile in store.profiles()} == {0.0}
    found = calibrate_store(store, bundle, per_profile=True)
    offsets = {profile.name: profile.score_offset for profile in store.profiles()}
    alike = [offset for name, offset in offsets.items() if int(name[3:]) % 3 == 0]
    others = [offset for name, offset in offsets.items() if int(name[3:]) % 3]
    assert min(alike) > max(others)
    assert found.calibration.eer < plain.calibration.eer
    # Verify and identify take them alike.
    probe = bundle.backend.sides(np.ones((1, DIM), np.float32))
    decisions = {each.name: each.decision for each in verifier.crowd().search(probe, 24).candidates}
    for name in ("spk00", "spk01"):
        claim = verifier.enrolled(name)
        free = replace(claim, speaker=replace(claim.speaker, offsets=None)).decide(probe)
        assert claim.decide(probe).score == pytest.approx(free.score - offsets[name], abs=1e-5)
        assert decisions[name].score == pytest.approx(claim.decide(probe).score, abs=1e-5)


def test_a_profile_that_changes_has_no_offset(store, bundle):
    calibrate_store(store, bundle, per_profile=True)
    assert store.get("spk00").score_offset != 0
    store.add("spk00", bundle.identity, store.get("spk03").enrollments, "add")
    assert store.get("spk00").score_offset == 0
    store.add("spk03", bundle.identity, store.get("spk06").enrollments, "replace")
    assert store.get("spk03").score_offset == 0
    assert store.get("spk06").score_offset != 0
    calibrate_store(store, bundle)
    assert store.get("spk06").score_offset == 0


def test_a_profile_that_changes_as_it_is_calibrated_has_no_offset(store, bundle, monkeypatch):
    def meanwhile(*args):
        store.add("spk00", bundle.identity, store.get("spk03").enrollments, "add")
        return score_own_trials(*args)

    monkeypatch.setattr(calibrating, "score_own_trials", meanwhile)
    calibrate_store(store, bundle, per_profile=True)
    assert store.get("spk00").score_offset == 0
    assert store.get("spk03").score_offset != 0


def test_the_operating_point_is_that_of_the_calibration(store, bundle):
    found = calibrate_store(store, bundle)
    asked = SpeakerVerifier(bundle, store.path, "cpu", operating_point=None).store_rule().threshold
    assert asked.value == found.calibration.threshold
    calibrated = bundle.with_backend(
        bundle.backend.recalibrated(LinearCalibration(("score",), np.ones(1), 0.0)), bundle.calibration
    )
    prior = SpeakerVerifier(
        replace(calibrated, identity=bundle.identity), store.path, "cpu", operating_point=OperatingPoint(0.01)
    )
    assert prior.store_rule().threshold.value == pytest.approx(4.5951, abs=1e-4)


@pytest.mark.parametrize("choice", [FalseAlarmRate(0.05), OperatingPoint(0.01)])
def test_the_store_says_what_the_bundle_cannot(tmp_path, uncalibrated_folder, write_speech, choice):
    bundle, store = Bundle.load(uncalibrated_folder), SpeakerStore(tmp_path / "speakers.sqlite")
    fill(store, bundle.identity, 24)
    with pytest.raises(UsageError):
        SpeakerVerifier(bundle, store, "cpu", operating_point=choice)
    found = calibrate_store(store, bundle)
    verifier = SpeakerVerifier(bundle, store, "cpu", operating_point=choice)
    assert verifier.store_rule() == found.rule(bundle, choice)
    with pytest.raises(UsageError):  # which is compared without a store
        verifier.verify_against([write_speech(tmp_path / "a.wav", 0, 2.0)], tmp_path / "a.wav")


def test_a_rate_that_so_few_trials_cannot_say(store, bundle):
    found = calibrate_store(store, bundle)
    with pytest.raises(UsageError) as caught:
        found.rule(bundle, FalseAlarmRate(1e-6))
    assert str(caught.value) == (
        "The 1,656 nontarget trials among the enrolled speakers say no threshold for a false-alarm rate of 0.0001 %; "
        "ask for 0.7 % or more, or enroll more speakers and calibrate anew: speakertrip speakers calibrate."
    )


def test_a_calibration_of_other_scores_is_not_used(store, bundle):
    calibrate_store(store, bundle)
    other = replace(bundle, backend=Backend(centre=np.full(DIM, 0.1, np.float32)))
    assert read_calibration(store, other) is None
    assert read_calibration(store, replace(bundle, identity="0" * 64)) is None


def test_offsets_of_a_calibration_of_other_scores_are_not_used(store, bundle, verifier):
    other = replace(bundle, backend=Backend(centre=np.full(DIM, 0.1, np.float32)))
    probe = other.backend.sides(np.ones((1, DIM), np.float32))
    fitted_anew = SpeakerVerifier(other, store.path, "cpu")
    free = fitted_anew.enrolled("spk00").decide(probe)
    calibrate_store(store, bundle, per_profile=True)
    assert store.get("spk00").score_offset != 0
    assert fitted_anew.enrolled("spk00").decide(probe) == free
    for scoring in ("mean", "best"):
        found = fitted_anew.crowd(SearchOptions(scoring)).search(probe, 24).candidates
        score = fitted_anew.enrolled("spk00", scoring).decide(probe).score
        assert {each.name: each.decision.score for each in found}["spk00"] == pytest.approx(score, abs=1e-5)


def test_it_is_forgotten(store, bundle, verifier):
    calibrate_store(store, bundle, per_profile=True)
    assert store.calibrations.clear(bundle.identity)
    assert not store.calibrations.clear(bundle.identity)
    assert verifier.store_rule() == verifier.rule
    assert {profile.score_offset for profile in store.profiles()} == {0.0}


def test_too_few_speakers(tmp_path, bundle):
    store = SpeakerStore(tmp_path / "few.sqlite")
    fill(store, bundle.identity, 9)
    fill_one = [Enrollment(np.ones(DIM, np.float32), "/a.wav", "", 2.0)]
    store.add("one", bundle.identity, fill_one)
    with pytest.raises(StoreError, match=r"at least 10 speakers of two .* has 9 of 10 speakers"):
        calibrate_store(store, bundle)


def test_scores_that_tell_nobody_apart(tmp_path, bundle):
    store = SpeakerStore(tmp_path / "alike.sqlite")
    for number in range(10):
        rows = [np.ones(DIM, np.float32), -np.ones(DIM, np.float32)]
        store.add(f"spk{number}", bundle.identity, [Enrollment(row, "/a.wav", "", 2.0) for row in rows])
    with pytest.raises(StoreError, match="cannot be calibrated: the score is not higher for targets"):
        calibrate_store(store, bundle)
    assert store.calibrations.read(bundle.identity) is None


@pytest.mark.parametrize("content", ["", "{}", '{"backend": "x", "weight": -1}'])
def test_a_damaged_calibration(store, bundle, verifier, content):
    store.calibrations.write(bundle.identity, content, {})
    with pytest.raises(StoreError, match="damaged; make it anew by speakertrip speakers calibrate"):
        verifier.enrolled("spk01")


def test_a_search_that_goes_on_takes_the_new_offsets(store, bundle, verifier):
    calibrate_store(store, bundle, per_profile=True)
    crowd, probe = verifier.crowd(), bundle.backend.sides(np.ones((1, DIM), np.float32))
    before = {each.name: each.decision.score for each in crowd.search(probe, 24).candidates}
    found = store.calibrations.read(bundle.identity)
    store.calibrations.write(bundle.identity, found, {store.get("spk05").identifier: 1.5})
    after = {each.name: each.decision.score for each in crowd.search(probe, 24).candidates}
    free = verifier.enrolled("spk06").decide(probe).score
    assert after["spk06"] == pytest.approx(free, abs=1e-5)
    assert before["spk06"] != after["spk06"]
    assert after["spk05"] == pytest.approx(verifier.enrolled("spk05").decide(probe).score, abs=1e-5)


def test_the_errors_of_the_best_utterance_are_not_known(store, bundle):
    calibrate_store(store, bundle)
    verifier = SpeakerVerifier(bundle, store, "cpu", operating_point=FalseAlarmRate(0.05))
    mean, best = verifier.enrolled("spk00").rule, verifier.enrolled("spk00", "best").rule
    assert mean.threshold.false_alarm == pytest.approx(0.05, abs=0.01)
    assert best == replace(mean, threshold=Threshold(mean.threshold.value), best=True)
    assert verifier.crowd(SearchOptions("best")).rule == best
    assert verifier.crowd().rule == mean


def test_the_best_utterance_less_its_offset(store, bundle, verifier):
    calibrate_store(store, bundle, per_profile=True)
    probe = bundle.backend.sides(np.ones((1, DIM), np.float32))
    best = verifier.enrolled("spk00", "best")
    offset = store.get("spk00").score_offset
    free = replace(best, speaker=replace(best.speaker, offsets=None)).decide(probe).score
    assert best.decide(probe).score == pytest.approx(free - offset, abs=1e-5)
    found = verifier.crowd(SearchOptions("best")).search(probe, 24).candidates
    assert {each.name: each.decision.score for each in found}["spk00"] == pytest.approx(
        free - offset, abs=1e-5
    )
