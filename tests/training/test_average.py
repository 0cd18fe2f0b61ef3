import pytest
import torch

from speakertrip.bundle import SpeakerModel
from speakertrip.config import FeatureConfig, LastAverageConfig, RunningAverageConfig
from speakertrip.training.average import WeightAverage


@pytest.fixture
def model(config):
    torch.manual_seed(0)
    return SpeakerModel(FeatureConfig(mels=20), config.encoder)


def walk(model, average, steps):
    """Move the weights and buffers about, and return the flat state after each step."""
    generator = torch.Generator().manual_seed(1)
    path = []
    for step in range(1, steps + 1):
        with torch.no_grad():
            for tensor in [*model.parameters(), *model.buffers()]:
                if tensor.is_floating_point():
                    tensor.add_(torch.randn(tensor.shape, generator=generator))
                else:
                    tensor.add_(1)
        average.update(step, model)
        path.append({name: tensor.clone() for name, tensor in model.state_dict().items()})
    return path


def test_an_exponential_average_is_that_of_a_plain_loop(model):
    average = WeightAverage(model, RunningAverageConfig(kind="ema", decay=0.6), last_step=9)
    path = walk(model, average, 9)
    expected = {name: tensor.double() for name, tensor in path[0].items()}
    for count, state in enumerate(path[1:], 1):
        keep = min(0.6, (1 + count) / (10 + count))
        expected = {name: keep * old + (1 - keep) * state[name] for name, old in expected.items()}
    for name, tensor in average.best(model).state_dict().items():
        if tensor.is_floating_point():
            torch.testing.assert_close(tensor, expected[name].float(), msg=name)
        else:
            assert torch.equal(tensor, path[-1][name])


def test_the_mean_of_the_last_points_is_that_of_their_weights(model):
    average = WeightAverage(model, LastAverageConfig(kind="last", count=3, every=2), last_step=9)
    path = walk(model, average, 9)
    for name, tensor in average.best(model).state_dict().items():
        if tensor.is_floating_point():
            torch.testing.assert_close(tensor, torch.stack([path[i][name] for i in (4, 6, 8)]).mean(dim=0))


def test_before_there_is_an_average_the_model_stands_for_it(model):
    average = WeightAverage(model, LastAverageConfig(kind="last", count=2, every=2), last_step=10)
    walk(model, average, 7)
    assert average.best(model) is model
    average.update(8, model)
    assert average.best(model) is not model


def test_an_average_goes_on_from_its_state(model):
    whole = WeightAverage(model, RunningAverageConfig(kind="ema", decay=0.9), last_step=8)
    walk(model, whole, 4)
    resumed = WeightAverage(model, RunningAverageConfig(kind="ema", decay=0.9), last_step=8)
    resumed.load_state_dict(whole.state_dict())
    path = walk(model, resumed, 4)
    for state in path:
        model.load_state_dict(state)
        whole.update(5, model)
    for ours, theirs in zip(whole.state_dict().values(), resumed.state_dict().values(), strict=True):
        torch.testing.assert_close(ours, theirs)


def test_nothing_of_an_average_is_trained(model):
    average = WeightAverage(model, RunningAverageConfig(kind="ema"), last_step=8)
    assert not any(parameter.requires_grad for parameter in average.parameters())
