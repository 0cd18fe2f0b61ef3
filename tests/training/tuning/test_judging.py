import numpy as np
import pytest
import torch

from speakertrip.bundle import Bundle, Calibration, SpeakerModel
from speakertrip.corpora import split_speakers
from speakertrip.errors import DataError
from speakertrip.manifests import read_manifest, read_scores, read_trials
from speakertrip.metrics import det_curve, equal_error_rate
from speakertrip.training.tuning.judging import JUDGING, SCORES, TRIALS, Judges


@pytest.fixture(scope="module")
def judges(config, corpus, tmp_path_factory):
    judges = Judges(config, corpus, tmp_path_factory.mktemp("tune"))
    judges.write()
    return judges


@pytest.fixture(scope="module")
def runs(judges, config, tmp_path_factory):
    """Two runs with models of random weights, judged."""
    folder = tmp_path_factory.mktemp("runs")
    for seed in (0, 1):
        torch.manual_seed(seed)
        model = SpeakerModel(config.features, config.encoder)
        calibration = Calibration(threshold=0.0, eer=0.5, trials=8, targets=4, speakers=4)
        Bundle(config.features, config.encoder, model, calibration, "# A test\n").save(
            folder / f"{seed}/bundle"
        )
    return [folder / "0", folder / "1"]


def test_no_speaker_judges_and_trains_or_chooses_steps(judges, config, utterances):
    everybody, held = ({u.speaker for u in each} for each in (utterances, judges.held))
    rest = read_manifest(judges.manifest)
    trained, chooses = split_speakers(rest, config.validation.speakers, config.seed)  # as a run does
    sets = [held, {u.speaker for u in trained}, {u.speaker for u in chooses}]
    assert set.union(*sets) == everybody
    assert sum(map(len, sets)) == len(everybody)
    assert [len(each) for each in sets] == [3, 4, 3]


def test_the_audio_is_found_from_the_new_place(judges, utterances):
    path_of = {u.id: u.path.resolve() for u in utterances}
    rest = read_manifest(judges.manifest)
    assert {u.id: u.path.resolve() for u in rest} == {u.id: path_of[u.id] for u in judges.kept}
    assert {u.id for u in rest}.isdisjoint(u.id for u in judges.held)


def test_the_files_are_those_of_the_trials(judges):
    folder = judges.manifest.parent
    trials = read_trials(folder / TRIALS)
    assert trials.targets.tolist() == judges.validation.trials.targets.tolist()
    assert {u.id for u in read_manifest(folder / JUDGING)} >= set(trials.ids)


def test_a_verdict_is_the_error_rate_of_the_scores_that_are_kept(judges, runs):
    for run in runs:
        verdict = judges.judge(run, "cpu")
        trials = judges.validation.trials
        scores = read_scores(run / SCORES, trials)
        assert verdict.eer == equal_error_rate(det_curve(scores, trials.targets))
        assert 0 <= verdict.interval[0] <= verdict.interval[1] <= 1
        again = judges.judge(run, "cpu")
        assert again == verdict


def test_the_difference_of_two_runs_is_that_of_their_error_rates(judges, runs):
    one, other = (judges.judge(run, "cpu").eer for run in runs)
    assert judges.compare(*runs).difference == pytest.approx(one - other)
    itself = judges.compare(runs[0], runs[0])
    assert np.all(np.array(itself.interval) == 0)
    assert not itself.real


def test_too_few_speakers_are_refused(config, corpus, tmp_path):
    many = config.model_copy(update={"validation": config.validation.model_copy(update={"speakers": 10})})
    with pytest.raises(DataError, match=r"Lower validation\.speakers"):
        Judges(many, corpus, tmp_path)
