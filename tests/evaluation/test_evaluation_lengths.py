"""Trials of utterances that are cut short, and a calibration that knows them."""

import weakref

import numpy as np
import pytest
import soundfile

from speakertrip.audio import load_waveform
from speakertrip.audio.excerpt import middles_of_speech
from speakertrip.backend import Backend, LinearCalibration
from speakertrip.embedding import Embedder
from speakertrip.embedding import embedder as embedder_module
from speakertrip.errors import UsageError
from speakertrip.evaluation import BackendRecipe, fit_backend
from speakertrip.evaluation.lengths import cut_trials
from speakertrip.manifests import Trials, Utterance

LONG, SHORT = 3.0, 0.9  # seconds of the files: speech is less
MODELS = {"m0": ["s0-0", "s0-1"], "m1": ["s1-0", "s1-2"]}


@pytest.fixture(scope="module")
def embedder(make_bundle) -> Embedder:
    return Embedder(make_bundle().model, "cpu", 1)


@pytest.fixture(scope="module")
def utterances(speech_like, tmp_path_factory) -> list[Utterance]:
    """Three speakers, each one buzz in more or less noise, of four utterances, of which the last is short."""
    folder, rows = tmp_path_factory.mktemp("audio"), []
    for speaker in range(3):
        for number in range(4):
            seconds = SHORT if number == 3 else LONG
            path = folder / f"s{speaker}-{number}.wav"
            noise = 0.01 * np.random.default_rng(number).standard_normal(round(seconds * 16_000))
            wave = np.roll(speech_like(seconds, speaker), 4_000 * number) + noise
            soundfile.write(path, wave, 16_000, subtype="FLOAT")
            rows.append(Utterance(path.stem, path, f"s{speaker}", duration=seconds))
    return rows


def all_pairs(utterances) -> Trials:
    first, second = np.triu_indices(len(utterances), k=1)
    pairs = [(utterances[a], utterances[b]) for a, b in zip(first, second, strict=True)]
    return Trials.of(
        [a.id for a, _ in pairs], [b.id for _, b in pairs], [a.speaker == b.speaker for a, b in pairs]
    )


def test_scores_are_those_of_pairs_that_are_cut_one_by_one(embedder, utterances):
    trials, done = all_pairs(utterances), []
    found = cut_trials(embedder, [1.0, 0.4, 1.0, 50.0], trials, utterances, progress=done.append)
    assert [each.seconds for each in found] == [0.4, 1.0]  # of 50 s of speech there is nothing
    assert sum(done) == len(utterances)
    waveforms = {u.id: load_waveform(u.path) for u in utterances}
    for each in found:
        pieces = {id_: middles_of_speech(wave, [each.seconds])[0] for id_, wave in waveforms.items()}
        ids = list(zip(trials.enrollments, trials.tests, strict=True))
        left = [row for row, (a, b) in enumerate(ids) if pieces[a] is not None and pieces[b] is not None]
        assert each.rows.tolist() == left
        scores = Backend().score(*each.embedded)
        enrollments, tests, first, second = each.embedded
        for place in (0, len(left) // 2, len(left) - 1):
            a, b = ids[left[place]]
            one, other = (embedder.embed([pieces[id_]])[0] for id_ in (a, b))
            cosine = one @ other / np.linalg.norm(one) / np.linalg.norm(other)
            assert scores[place] == pytest.approx(cosine, abs=1e-5)
            assert enrollments.seconds[first[place]] == pytest.approx(len(pieces[a]) / 16_000)
            assert tests.seconds[second[place]] == pytest.approx(len(pieces[b]) / 16_000)
    assert len(found[1].rows) == 36  # pairs of the nine long ones
    assert len(found[0].rows) == len(trials)


def test_of_many_recordings_one_is_in_memory(embedder, utterances, monkeypatch):
    made, load = [], embedder_module.load_speech

    def loaded(utterance):
        assert not any(each() is not None for each in made)
        waveform = load(utterance)
        made.append(weakref.ref(waveform))
        return waveform

    monkeypatch.setattr(embedder_module, "load_speech", loaded)
    assert cut_trials(embedder, [0.4, 1.0], all_pairs(utterances), utterances)
    assert len(made) == len(utterances)


def test_every_utterance_of_a_model_is_cut(embedder, utterances):
    trials = Trials.of(
        ["m0", "m0", "m0", "m1", "m1"],
        ["s0-2", "s1-1", "s0-3", "s1-3", "s2-0"],
        [True, False, True, True, False],
    )
    (found,) = cut_trials(embedder, [1.0], trials, utterances, MODELS)
    assert found.rows.tolist() == [0, 1, 4]  # without the short tests
    enrollments, _, first, _ = found.embedded
    assert enrollments.counts[first].tolist() == [2, 2, 2]
    with_short = {"m0": ["s0-0", "s0-3"], "m1": MODELS["m1"]}
    assert cut_trials(embedder, [1.0], trials, utterances, with_short) == []  # a model needs all of them


@pytest.mark.parametrize("length", [0.39, 0.0, -1.0, float("nan"), float("inf")])
def test_lengths_that_nobody_is_answered_at(embedder, utterances, length):
    with pytest.raises(UsageError, match=r"0\.4 s or more"):
        cut_trials(embedder, [1.0, length], all_pairs(utterances), utterances)


def fit(embedder, utterances, quality, lengths):
    trials = all_pairs(utterances)
    recipe = BackendRecipe(quality=quality)
    return trials, fit_backend(embedder, recipe, trials, utterances, lengths=lengths)


def test_the_calibration_by_seconds_is_fitted_to_the_trials_of_all_lengths(embedder, utterances):
    trials, fitted = fit(embedder, utterances, ("seconds",), (0.5, 1.0))
    backend, names = fitted.backend, ("score", "log_seconds_min", "log_seconds_max")
    plain = Backend()
    embeddings = embedder.embed_utterances(utterances)
    place = {u.id: row for row, u in enumerate(utterances)}
    sides = plain.sides(embeddings, None, np.array([u.duration for u in utterances]))
    first, second = (np.array([place[id_] for id_ in ids]) for ids in (trials.enrollments, trials.tests))
    sets = [(plain.columns(sides, sides, first, second), trials.targets)]
    for each in cut_trials(embedder, [0.5, 1.0], trials, utterances):
        sets.append((plain.columns(*each.embedded), trials.targets[each.rows]))
    values = [[columns[name][row] for name in names] for columns, truth in sets for row in range(len(truth))]
    expected = LinearCalibration.fit(values, np.concatenate([truth for _, truth in sets]), names)
    np.testing.assert_allclose(backend.calibration.weights, expected.weights, rtol=1e-4)
    assert backend.calibration.bias == pytest.approx(expected.bias, rel=1e-4)
    for each, (columns, _) in zip(fitted.short, sets[1:], strict=True):
        inputs = np.column_stack([columns[name] for name in names])
        np.testing.assert_allclose(each.scores, backend.calibration(inputs), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("quality", [(), ("magnitude",)])
def test_any_other_calibration_is_of_whole_utterances(embedder, utterances, quality):
    _, without = fit(embedder, utterances, quality, ())
    _, fitted = fit(embedder, utterances, quality, (0.5, 1.0))
    np.testing.assert_array_equal(fitted.backend.calibration.weights, without.backend.calibration.weights)
    np.testing.assert_array_equal(fitted.scores, without.scores)
    assert ([each.seconds for each in fitted.short], without.short) == ([0.5, 1.0], [])
