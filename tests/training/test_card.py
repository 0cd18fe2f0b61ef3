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
    later = model_card(config, utterances, 70, calibration, init="runs/aam/bundle")
    assert "began with that of runs/aam/bundle" in later
