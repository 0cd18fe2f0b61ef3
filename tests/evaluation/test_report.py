import numpy as np
import pytest

from speakertrip import evaluation
from speakertrip.embedding import Embedder
from speakertrip.errors import DataError
from speakertrip.manifests import Trials, Utterance
from speakertrip.metrics import det_curve, equal_error_rate, min_dcf


class TableEmbedder(Embedder):
    """Looks embeddings up by utterance id, and counts how often each is asked for."""

    def __init__(self, table):
        self.table, self.asked = table, []

    def embed_utterances(self, utterances, progress=lambda done: None):
        self.asked += [utterance.id for utterance in utterances]
        progress(len(utterances))
        return np.stack([self.table[utterance.id] for utterance in utterances])


@pytest.fixture
def system(tmp_path):
    """Ten speakers with four utterances each, all pairs."""
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((10, 8))
    utterances = [Utterance(f"{s}/{u}", tmp_path / "x.wav", f"spk{s}") for s in range(10) for u in range(4)]
    table = {
        u.id: (centres[int(u.speaker[3:])] + 0.7 * rng.standard_normal(8)).astype(np.float32)
        for u in utterances
    }
    first, second = np.triu_indices(40, k=1)
    targets = first // 4 == second // 4
    ids = [u.id for u in utterances]
    return utterances, Trials.of([ids[i] for i in first], [ids[i] for i in second], targets), table


def cosine(a, b):
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


def test_scores_are_cosines_in_the_order_of_the_list_and_each_utterance_is_embedded_once(system):
    utterances, trials, table = system
    embedder = TableEmbedder(table)
    scores = evaluation.score_trials(embedder, trials, utterances)
    expected = [cosine(table[e], table[t]) for e, t in zip(trials.enrollments, trials.tests, strict=True)]
    np.testing.assert_allclose(scores, expected, atol=1e-6)
    assert sorted(embedder.asked) == sorted(u.id for u in utterances)


def test_an_enrollment_model_is_the_mean_of_the_unit_embeddings(system):
    utterances, _, table = system
    trials = Trials.of(["m0", "m1"], ["0/3", "0/3"], np.array([True, False]))
    models = {"m0": ["0/0", "0/1", "0/2"], "m1": ["1/0", "1/1"], "unused": ["9/9"]}
    scores = evaluation.score_trials(TableEmbedder(table), trials, utterances, models)
    for score, name in zip(scores, ("m0", "m1"), strict=True):
        mean = np.mean([table[id_] / np.linalg.norm(table[id_]) for id_ in models[name]], axis=0)
        assert score == pytest.approx(cosine(mean, table["0/3"]), abs=1e-6)


def test_report(system):
    utterances, trials, table = system
    report = evaluation.evaluate(TableEmbedder(table), trials, utterances)
    scores = evaluation.score_trials(TableEmbedder(table), trials, utterances)
    curve = det_curve(scores, trials.targets)
    assert (report.trials, report.targets, report.speakers) == (780, 60, 10)
    assert report.target_speakers == 10
    assert report.eer == equal_error_rate(curve)
    assert report.eer_interval[0] <= report.eer <= report.eer_interval[1]
    assert report.to_json()["min_dcf"] == {"0.01": min_dcf(curve, 0.01), "0.05": min_dcf(curve, 0.05)}
    assert set(report.to_json()) == {
        "trials", "targets", "speakers", "target_speakers", "speakers_from", "eer", "eer_interval",
        "eer_convex_hull", "min_dcf",
        "act_dcf", "cllr", "min_cllr", "intervals",
    }  # fmt: skip


def test_speakers_with_target_trials_are_counted(system):
    utterances, _, _ = system
    pairs = [("0/0", "0/1"), ("0/2", "0/1"), ("3/0", "3/1"), ("0/0", "5/0"), ("7/0", "5/0")]
    first, second = zip(*pairs, strict=True)
    trials = Trials.of(list(first), list(second), np.array([True, True, True, False, False]))
    report = evaluation.report(trials, np.arange(5), evaluation.speakers_of(utterances))
    assert (report.speakers, report.target_speakers) == (4, 2)


def test_without_a_manifest_target_trials_give_the_speakers(system):
    _, trials, _ = system
    assert evaluation.report(trials, np.arange(780) % 7).speakers == 10


def test_ids_that_the_manifest_lacks_are_named(system):
    utterances, trials, table = system
    with pytest.raises(DataError, match=r"The manifest does not hold 0/0 \(and 3 more\), which the trials"):
        evaluation.score_trials(TableEmbedder(table), trials, utterances[4:])


def test_labels_that_contradict_the_manifest_are_refused(system):
    utterances, trials, _ = system
    wrong = Trials.of(trials.enrollments, trials.tests, ~trials.targets)
    with pytest.raises(
        DataError, match=r"0/0 and 0/1 is labelled nontarget, but the manifest says one speaker"
    ):
        evaluation.report(wrong, np.zeros(780), evaluation.speakers_of(utterances))


@pytest.mark.parametrize(("targets", "missing"), [([True, True], "nontarget"), ([False, False], "target")])
def test_one_sided_lists_are_refused(targets, missing):
    with pytest.raises(DataError, match=f"holds no {missing} trial"):
        evaluation.report(Trials.of(["a", "b"], ["c", "d"], np.array(targets)), [0.1, 0.2])


def test_a_model_of_two_speakers_is_refused(system):
    utterances, _, _ = system
    with pytest.raises(DataError, match="mixes speakers: spk0, spk1"):
        evaluation.speakers_of(utterances, {"m": ["0/0", "1/0"]})
