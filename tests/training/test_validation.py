import numpy as np
import pytest

from speakertrip.bundle import SpeakerModel
from speakertrip.corpora import split_speakers
from speakertrip.embedding import Embedder
from speakertrip.errors import AudioError
from speakertrip.evaluation import evaluate
from speakertrip.training.validation import Validation


@pytest.fixture(scope="module")
def held(utterances, config):
    return split_speakers(utterances, 3, config.seed)[1]


def test_agrees_with_the_evaluation_of_the_same_trials(held, config):
    validation = Validation(held, config)
    embedder = Embedder(SpeakerModel(config.features, config.encoder))
    found = validation.run(embedder)
    calibration, backend = found.calibration, found.backend
    report = evaluate(embedder, validation.trials, held, backend=backend)
    assert calibration.eer == pytest.approx(report.eer, abs=1e-6)
    assert found.min_dcf == pytest.approx(report.min_dcf, abs=1e-6)
    assert (calibration.trials, calibration.targets) == (report.trials, report.targets)
    assert calibration.speakers == report.speakers == 3
    table = calibration.false_alarms
    assert table.nontargets == report.trials - report.targets
    for point in table.points:
        accepted = found.scores >= point.threshold
        assert np.mean(accepted[~validation.trials.targets]) == point.false_alarm <= point.rate
    if backend.calibration is None:  # the random model says nothing of these voices
        assert -1 <= calibration.threshold <= 1
    else:
        assert backend.fitted_on.overlaps(validation.trials)


def test_targets_cross_sessions_and_each_speaker_is_thinned(held, config):
    settings = config.model_copy(
        update={"validation": config.validation.model_copy(update={"utterances": 2})}
    )
    validation = Validation(held, settings)
    assert len(validation.waveforms) == 6
    sessions = {u.id: (u.speaker, u.session) for u in held}
    full = Validation(held, config).trials
    for enrollment, test, target in zip(full.enrollments, full.tests, full.targets, strict=True):
        same = sessions[enrollment][0] == sessions[test][0]
        assert same == target
        assert not target or sessions[enrollment][1] != sessions[test][1]


def test_a_silent_held_out_utterance_is_named(held, config, tmp_path):
    from dataclasses import replace

    from speakertrip.audio import encode

    encode(tmp_path / "silent.wav", np.zeros(16_000, np.float32), 16_000)
    broken = [replace(held[0], path=tmp_path / "silent.wav", duration=None), *held[1:]]
    with pytest.raises(AudioError, match=r"silent\.wav is silent"):
        Validation(broken, config)
