"""Averages of the weights, which are what is validated and shipped."""

from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from speakertrip.bundle import SpeakerModel
from speakertrip.config import LastAverageConfig, RunningAverageConfig

Update = Callable[[Any, Any, Any], None]


class WeightAverage(nn.Module):
    """An average of a model's weights, and of its batch normalisation's statistics, over the steps of a run.

    ``ema``: an exponential one, ``decay`` of the old at each step; early on less, ``(1 + n) / (10 + n)`` of the n-th,
    so that the first weights are forgotten. ``last``: the plain mean of the weights at the last ``count`` points of
    the run, ``every`` steps apart; before the first of them the model itself stands for it.

    Args:
        model: that is trained.
        config: which average.
        last_step: of the run.
    """

    def __init__(
        self, model: SpeakerModel, config: RunningAverageConfig | LastAverageConfig, last_step: int
    ) -> None:
        super().__init__()
        self.config, self.last_step = config, last_step
        self.averaged = AveragedModel(model, multi_avg_fn=_running(self._keep), use_buffers=True)
        self.averaged.requires_grad_(False)

    def _keep(self, taken: int) -> float:
        if self.config.kind == "ema":
            return min(self.config.decay, (1 + taken) / (10 + taken))
        return taken / (taken + 1)

    def update(self, step: int, model: SpeakerModel) -> None:
        """Take in the weights after a step, counted from 1."""
        config, left = self.config, self.last_step - step
        if config.kind == "ema" or (left < config.count * config.every and left % config.every == 0):
            self.averaged.update_parameters(model)

    def best(self, model: SpeakerModel) -> SpeakerModel:
        """Return the averaged model; the model itself while there is no average."""
        if not int(self.averaged.n_averaged):
            return model
        return cast(SpeakerModel, self.averaged.module)


def _running(keep: Callable[[int], float]) -> Update:
    """Return how averages take in the weights of a model, when ``keep(n)`` of those of n models are to stay."""

    @torch.no_grad()
    def update(averages: list[Tensor], weights: list[Tensor], taken: Tensor | int) -> None:
        if averages[0].is_floating_point():
            torch._foreach_lerp_(averages, weights, 1 - keep(int(taken)))
        else:  # counters
            for average, weight in zip(averages, weights, strict=True):
                average.copy_(weight)

    return update
