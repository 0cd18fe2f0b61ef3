import pytest

from speakertrip.config import TrainConfig
from speakertrip.config.losses import (
    AdaptiveMarginConfig,
    BatchHardConfig,
    ConstantMarginConfig,
    HardestShareConfig,
    RampMarginConfig,
)


def loss(entries):
    return TrainConfig.model_validate({"loss": entries}).loss


def test_a_table_without_a_kind_is_of_the_usual_one():
    assert loss({}).kind == "triplet"
    assert loss({"miner": {"share": 0.1}}).miner == HardestShareConfig(share=0.1)
    assert loss({"miner": {"kind": "batch-hard"}}).miner == BatchHardConfig(kind="batch-hard")


def test_a_number_is_a_constant_margin():
    assert loss({"margin": 0.3}).margin == loss({"margin": {"kind": "constant", "value": 0.3}}).margin
    assert loss({"margin": 1}).margin == ConstantMarginConfig(value=1.0)


def test_margins_that_change():
    ramp = {"kind": "cosine", "start": 0.2, "end": 0.8, "steps": 100}
    assert loss({"margin": ramp}).margin == RampMarginConfig.model_validate(ramp)
    assert isinstance(loss({"margin": {"kind": "adaptive"}}).margin, AdaptiveMarginConfig)
    with pytest.raises(ValueError, match=r"start \(3\) must lie in \[lowest, highest\]"):
        loss({"margin": {"kind": "adaptive", "start": 3.0}})


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"memory": {"momentum": 0.9}}, "momentum needs a size"),
        ({"margin": {"kind": "adaptive"}, "miner": {"kind": "semi-hard"}}, "does not go with semi-hard"),
        ({"margin": True}, "margin"),
        ({"margin": {"start": 0.1}}, "margin"),
    ],
)
def test_contradictions_are_refused(entries, message):
    with pytest.raises(ValueError, match=message):
        loss(entries)


@pytest.mark.parametrize("kind", ["aam-softmax", "angular-prototypical", "ge2e"])
def test_the_baselines_take_no_miner(kind):
    assert loss({"kind": kind, "scale": 20}).scale == 20
    with pytest.raises(ValueError, match="miner"):
        loss({"kind": kind, "miner": {"share": 0.1}})


def test_a_saved_configuration_is_read_back_as_it_was():
    config = TrainConfig.model_validate({"loss": {"margin": {"kind": "adaptive"}, "softplus_scale": 20}})
    assert TrainConfig.model_validate_json(config.model_dump_json()) == config
