import pytest
import torch

from speakertrip.config import OptimizerConfig, TripletConfig
from speakertrip.errors import TrainingError
from speakertrip.training.trainer import Trainer

CPU = torch.device("cpu")


def batch(seed=0):
    """Six tones that come and go, twice each: steady ones would be removed with the mean."""
    generator = torch.Generator().manual_seed(seed)
    time = torch.arange(12_800)
    tones = torch.sin(time * torch.linspace(0.05, 0.6, 6)[:, None]).repeat_interleave(2, dim=0)
    syllables = (torch.sin(time / 800 + 6 * torch.rand(12, 1, generator=generator)) > 0).float()
    return tones * syllables + 0.01 * torch.randn(12, 12_800, generator=generator), torch.arange(12) // 2


def test_learns_to_tell_tones_apart(config):
    trainer = Trainer(
        config.model_copy(update={"optimizer": OptimizerConfig(steps=60, warmup_steps=5)}), CPU, 6
    )
    losses = [trainer.step(step, *batch(step)).loss for step in range(1, 61)]
    assert sum(losses[-5:]) < 0.3 * sum(losses[:5])


def test_reports_what_it_computed(config):
    result = Trainer(config, CPU, 6).step(1, *batch())
    torch.testing.assert_close(result.embeddings.norm(dim=1), torch.ones(12))
    assert 0 <= result.health.active <= 1
    assert result.loss > 0
    assert not result.embeddings.requires_grad


def test_seed_and_step_decide_everything(config):
    first, second = (Trainer(config, CPU, 6) for _ in range(2))
    for step in (1, 2):
        assert first.step(step, *batch()).loss == second.step(step, *batch()).loss
    other = Trainer(config.model_copy(update={"seed": 2}), CPU, 6)
    assert other.step(1, *batch()).loss != Trainer(config, CPU, 6).step(1, *batch()).loss


def test_the_averaged_encoder_begins_as_the_encoder_itself(config):
    loss = TripletConfig.model_validate({"memory": {"size": 24, "momentum": 0.99}})
    remembering = config.model_copy(update={"loss": loss})
    trainer, other = Trainer(remembering, CPU, 6), Trainer(config.model_copy(update={"seed": 9}), CPU, 6)
    trainer.take(other.model.state_dict())
    result = trainer.step(1, *batch())
    torch.testing.assert_close(trainer.objective.memory.embeddings[:12], result.embeddings, atol=1e-5, rtol=0)
    trainer.step(2, *batch())
    assert not torch.equal(trainer.objective.memory.embeddings[12:], result.embeddings)


def test_a_loss_that_is_not_finite_stops_before_the_weights_change(config):
    trainer = Trainer(config, CPU, 6)
    before = [parameter.detach().clone() for parameter in trainer.modules.parameters()]
    waveforms, labels = batch()
    waveforms[0, 0] = float("nan")
    with pytest.raises(TrainingError, match="At step 7 the loss is nan"):
        trainer.step(7, waveforms, labels)
    assert len(before) > 10
    assert all(map(torch.equal, before, trainer.modules.parameters()))
