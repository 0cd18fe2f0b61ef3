"""No option is there that nothing reads: every field of every model is looked at by a run that uses it."""

import pytest
from pydantic import BaseModel

from speakertrip.config import KaldiFbankConfig, OnnxConfig, SpeechBrainFbankConfig, TrainConfig
from speakertrip.config.frozen import Frozen
from speakertrip.config.tune import TuneSpace
from speakertrip.training import train

SHORT = {"steps": 3, "warmup_steps": 1}
EVERY_EFFECT = [
    {"kind": "noise", "manifest": "manifest.test.jsonl"},
    {"kind": "babble", "manifest": "manifest.test.jsonl"},
    {"kind": "reverb", "manifest": "manifest.test.jsonl"},
    {"kind": "room", "count": 1, "reflections": 1},
    {"kind": "codec"},
    {"kind": "telephone"},
    {"kind": "band"},
    {"kind": "equalize"},
    {"kind": "gain"},
]
NOT_TRAINED = (KaldiFbankConfig, OnnxConfig, SpeechBrainFbankConfig, TuneSpace)
RESNET = {"kind": "resnet", "channels": 4, "embedding_dim": 8, "attention_channels": 4}
XVECTOR = {"kind": "xvector", "channels": 8, "pooling_channels": 8, "embedding_dim": 8}
RUNS = {
    "adaptive": {
        "batch": {"speakers": 4, "utterances": 2, "hard_share": 0.5},
        "loss": {
            "margin": {"kind": "adaptive"},
            "miner": {"kind": "random", "count": 2},
            "memory": {"size": 16, "momentum": 0.9},
        },
        "average": {"kind": "ema"},
        "validation": {"speakers": 3, "every": 2, "nontargets": 50, "patience": 2},
    },
    "joint": {
        "encoder": XVECTOR,
        "loss": {
            "kind": "joint",
            "softmax": {"kind": "aam-softmax"},
            "triplet": {"margin": {"kind": "linear", "start": 0.2, "end": 0.4, "steps": 2}},
        },
        "optimizer": {**SHORT, "frozen_steps": 1},
        "average": {"kind": "last", "count": 2, "every": 1},
        "data": {"crop_seconds": 0.6, "final_crop_seconds": 0.8, "workers": 1},
    },
    "speakers": {"encoder": RESNET, "loss": {"margin": 0.3, "miner": {"kind": "hardest-speakers"}}},
    "effects": {"loss": {"kind": "ge2e"}, "augment": {"chain": EVERY_EFFECT}},
}


def models(model=Frozen):
    """Yield every configuration model that has no others below it."""
    for each in model.__subclasses__():
        if each.__module__.startswith("speakertrip.config"):
            yield from models(each)
            yield each


def test_every_option_is_read_by_a_run_that_uses_it(config, corpus, tmp_path, monkeypatch):
    plans = {
        name: TrainConfig.model_validate({**config.model_dump(), "optimizer": SHORT, **change})
        for name, change in RUNS.items()
    }
    read = set()
    plain = BaseModel.__getattribute__

    def reading(self, name):
        if name in type(self).model_fields:  # which dumping a model, or copying it, does not come by
            read.update((each.__name__, name) for each in type(self).__mro__)
        return plain(self, name)

    monkeypatch.setattr(Frozen, "__getattribute__", reading, raising=False)
    for name, plan in plans.items():
        assert train(plan, corpus, tmp_path / name)
    missing = {
        f"{model.__name__}.{field}"
        for model in models()
        if model not in NOT_TRAINED
        for field in model.model_fields
        if field != "kind"  # which chose the model
        and (model.__name__, field) not in read
    }
    assert missing == set()


@pytest.mark.parametrize("model", list(models()), ids=lambda model: model.__name__)
def test_models_do_not_change_and_refuse_unknown_options(model):
    assert model.model_config["extra"] == "forbid"
    assert model.model_config["frozen"]
