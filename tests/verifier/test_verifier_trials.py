"""The scores of whole lists, with a fitted backend too, are compared in tests/cli/test_cli_batch.py."""

import weakref
from dataclasses import replace

import numpy as np
import pytest

from speakertrip.backend.storage import digest
from speakertrip.bundle import Bundle
from speakertrip.embedding import Embedder
from speakertrip.errors import DataError, StoreError
from speakertrip.evaluation import score_trials
from speakertrip.manifests import Trials, Utterance
from speakertrip.verifier import (
    SpeakerVerifier,
    StoreCalibration,
    enroll_utterances,
    listener,
    score_enrolled,
)
from speakertrip.verifier import trials as trials_module

MODELS = {"a": ["u0", "u1"], "b": ["u2"]}
TRIALS = Trials.of(
    ["b", "a", "b", "a", "a"], ["u4", "u3", "u3", "u4", "u3"], [True, True, False, False, True]
)


@pytest.fixture(scope="module")
def utterances(scratch, write_speech) -> list[Utterance]:
    """Return five, of which one is enrolled and one tested in windows."""
    seconds = (31.0, 1.3, 1.4, 33.0, 1.6)
    return [
        Utterance(f"u{seed}", write_speech(scratch / f"{seed}.wav", seed, seconds[seed]), "s")
        for seed in range(5)
    ]


@pytest.fixture
def verifier(tmp_path, bundle_folder, utterances, monkeypatch) -> SpeakerVerifier:
    verifier = SpeakerVerifier.from_pretrained(bundle_folder, tmp_path / "speakers.sqlite", "cpu")
    for name, ids in MODELS.items():
        enroll_utterances(verifier, name, [utterances[int(id_[1])] for id_ in ids])
    monkeypatch.setattr(trials_module, "CHUNK", 1)
    return verifier


def test_scores_are_those_of_the_list(verifier, utterances, bundle_folder):
    done = []
    found = score_enrolled(verifier, TRIALS, utterances, lambda count, total: done.append((count, total)))
    embedder = Embedder(Bundle.load(bundle_folder).model, "cpu")
    expected = score_trials(embedder, TRIALS, utterances, MODELS, backend=verifier.bundle.backend)
    np.testing.assert_allclose(found.scores, expected, atol=1e-6)
    assert (found.errors, done) == ({}, [(1, 2)] * 2)
    assert set(found.speech_seconds) == {"u3", "u4"}
    assert found.scores[1] == pytest.approx(verifier.verify("a", utterances[3].path).score, abs=1e-6)


@pytest.mark.parametrize("per_profile", [False, True])
def test_the_best_utterance_of_each_speaker(verifier, utterances, per_profile):
    if per_profile:
        _calibrate(verifier)
    found = score_enrolled(verifier, TRIALS, utterances, scoring="best")
    mean = score_enrolled(verifier, TRIALS, utterances).scores
    ids = zip(TRIALS.enrollments, TRIALS.tests, strict=True)
    expected = [verifier.verify(name, utterances[int(test[1])].path, "best").score for name, test in ids]
    np.testing.assert_allclose(found.scores, expected, atol=1e-5)
    assert found.scores[1] != pytest.approx(mean[1], abs=1e-6)  # of two utterances
    assert found.scores[0] == mean[0]  # of one


def _calibrate(verifier):
    backend = digest(verifier.bundle.backend)
    calibration = StoreCalibration(
        backend=backend, weight=2.0, bias=0.5, per_profile=True, calibration=verifier.bundle.calibration
    )
    offsets = {verifier.store.identifier("a"): 1.0, verifier.store.identifier("b"): -2.0}
    verifier.store.calibrations.write(verifier.bundle.identity, calibration.model_dump_json(), offsets)


def test_audio_that_cannot_be_used_leaves_the_others(verifier, utterances, tmp_path):
    expected = score_enrolled(verifier, TRIALS, utterances).scores
    bad = [*utterances[:3], replace(utterances[3], path=tmp_path / "absent.wav"), utterances[4]]
    found = score_enrolled(verifier, TRIALS, bad)
    np.testing.assert_array_equal(np.isnan(found.scores), [False, True, True, False, True])
    np.testing.assert_allclose(found.scores[[0, 3]], expected[[0, 3]], atol=1e-6)
    assert list(found.errors) == ["u3"]
    assert "absent.wav" in str(found.errors["u3"])
    none = score_enrolled(verifier, TRIALS, [replace(each, duration=0.1) for each in utterances])
    assert np.isnan(none.scores).all()
    assert set(none.errors) == {"u3", "u4"}


def test_long_waveforms_are_not_kept(verifier, utterances, monkeypatch):
    monkeypatch.setattr(trials_module, "CHUNK", 64)
    monkeypatch.setattr(trials_module, "AHEAD", 2)
    made, alive, load, embed = [], [], verifier.load_one, verifier.embedder.embed_whole

    def loaded(source):
        recording = load(source)
        made.append(weakref.ref(recording.waveform))
        return recording

    def embedded(*args):
        alive.append(sum(waveform() is not None for waveform in made))
        return embed(*args)

    monkeypatch.setattr(verifier, "load_one", loaded)
    monkeypatch.setattr(verifier.embedder, "embed_whole", embedded)
    many = [replace(utterances[3], id=f"long{number}") for number in range(8)]
    trials = Trials.of(["a"] * 8, [each.id for each in many], [True] * 8)
    found = score_enrolled(verifier, trials, many)
    assert np.isfinite(found.scores).all()
    assert max(alive) <= 2


def test_the_threads_that_load_start_no_others(verifier, utterances, monkeypatch):
    monkeypatch.setattr(listener, "ThreadPoolExecutor", None)
    assert np.isfinite(score_enrolled(verifier, TRIALS, utterances).scores).all()


def test_who_and_what_must_be_known(verifier, utterances):
    with pytest.raises(StoreError, match="No speaker named c"):
        score_enrolled(verifier, Trials.of(["c"], ["u3"], [True]), utterances)
    with pytest.raises(DataError, match="does not hold u9"):
        score_enrolled(verifier, Trials.of(["a"], ["u9"], [True]), utterances)
