from speakertrip.backend import FalseAlarmPoint, FalseAlarmTable
from speakertrip.bundle import Calibration
from speakertrip.config import TrainConfig
from speakertrip.manifests import Utterance
from speakertrip.training.card import model_card


def test_names_corpora_licences_and_the_error_with_its_interval(tmp_path):
    config = TrainConfig.model_validate({"data": {"licences": {"open": "CC0-1.0"}}, "loss": {"margin": 0.3}})
    utterances = [
        Utterance("1", tmp_path, "spk1", extra={"corpus": "open"}),
        Utterance("2", tmp_path, "spk1", extra={"corpus": "open"}),
        Utterance("3", tmp_path, "spk2"),
    ]
    calibration = Calibration(
        threshold=0.25, eer=0.051, eer_interval=(0.03, 0.072), trials=900, targets=90, speakers=30
    )
    card = model_card(config, utterances, 70, calibration)
    for words in (
        "multi-sample triplet loss (margin: constant, value 0.3; negatives: hardest-share, share 0.05)",
        "70 of 10000 steps",
        "3 utterances of 2 speakers",
        "- open: 2 utterances, licence: CC0-1.0",
        "- unnamed: 1 utterance, licence: not stated",
        "EER 5.10 % [3.00, 7.20] (95 % interval over speakers)",
        "900 trials (90 target) among 30 speakers held out",
        "threshold 0.2500",
        "no detection of replayed or synthetic speech",
    ):
        assert words in card
    assert "began" not in card
    assert "false alarms" not in card
    later = model_card(config, utterances, 70, calibration, init="runs/aam/bundle")
    assert "began with that of runs/aam/bundle" in later


def test_shows_the_thresholds_at_some_false_alarm_rates(tmp_path):
    points = [
        FalseAlarmPoint(rate=rate, threshold=t, false_alarm=rate, interval=(rate / 2, 2 * rate), miss=t / 10)
        for rate, t in ((0.1, 0.5), (0.07, 1.0), (0.05, 1.5), (0.02, 2.0))
    ]
    table = FalseAlarmTable(nontargets=810, points=tuple(points))
    calibration = Calibration(
        threshold=0.25, eer=0.051, trials=900, targets=90, speakers=30, false_alarms=table
    )
    card = model_card(TrainConfig(), [Utterance("1", tmp_path, "spk1")], 70, calibration)
    rows = [line for line in card.splitlines() if line.startswith("| ")]
    assert rows == [
        "| false alarms, at most | threshold | 95 % interval over speakers | misses |",
        "| 10 % | 0.5000 | [5, 20] % | 5.0 % |",
        "| 5 % | 1.5000 | [2.5, 10] % | 15.0 % |",
        "| 2 % | 2.0000 | [1, 4] % | 20.0 % |",
    ]
    assert "810 nontarget trials, which say none below 2 %" in card
