"""One step of training: the model, its loss and its optimiser."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from speakertrip.bundle import SpeakerModel
from speakertrip.config import OptimizerConfig, TrainConfig
from speakertrip.errors import TrainingError
from speakertrip.features import mask_features
from speakertrip.losses import MultiSampleTripletLoss
from speakertrip.miners import HardestShare


@dataclass(frozen=True, slots=True)
class StepResult:
    """What a step computed.

    Attributes:
        loss: of the batch, before the step.
        active: share of anchors above zero, in [0, 1].
        embeddings: ``(batch, dim)``, of unit length, detached.
        labels: ``(batch,)``.
    """

    loss: float
    active: float
    embeddings: Tensor
    labels: Tensor


class Trainer:
    """Model, loss and optimiser of a run.

    Args:
        config: of the run; its seed draws the first weights.
        device: where to train.
    """

    def __init__(self, config: TrainConfig, device: torch.device) -> None:
        torch.manual_seed(config.seed)
        self.config, self.device = config, device
        self.model = SpeakerModel(config.features, config.encoder).to(device)
        share = config.loss.negative_share
        self.miner = HardestShare(share) if share < 1 else None  # over all of them the loss is linear
        self.triplet = MultiSampleTripletLoss(config.loss.margin)
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(), lr=config.optimizer.lr, weight_decay=config.optimizer.weight_decay
        )

    def step(self, number: int, waveforms: Tensor, labels: Tensor) -> StepResult:
        """Learn from a batch: waveforms ``(batch, samples)``, labels ``(batch,)``; steps count from 1.

        Raises:
            TrainingError: the loss or its gradient is not finite; the parameters are those before the step.
        """
        self.model.train()
        labels = labels.to(self.device)
        features = self._mask(self.model.log_mel(waveforms.to(self.device)), number)
        embeddings = functional.normalize(self.model.encoder(features).float(), dim=1)
        negatives = self.miner(embeddings, labels) if self.miner else None
        violations = self.triplet.hinge(self.triplet.distances(embeddings, labels, negatives))
        loss = violations.mean()
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(number, self.config.optimizer)
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.config.optimizer.clip_norm)
        if not (loss.isfinite() and norm.isfinite()):
            raise TrainingError(
                f"At step {number} the loss is {loss.item():g} and its gradient {norm.item():g}; begin anew with a "
                "lower optimizer.lr, or go on from the checkpoint with --resume."
            )
        self.optimizer.step()
        active = (violations > 0).float().mean()
        return StepResult(loss.item(), active.item(), embeddings.detach(), labels)

    def _mask(self, features: Tensor, number: int) -> Tensor:
        augment = self.config.augment
        # Seeded by the step, so that a resumed run masks as the uninterrupted one does.
        generator = torch.Generator().manual_seed(self.config.seed * 1_000_003 + number)
        return mask_features(
            features, augment.mask_probability, augment.mask_frames, augment.mask_mels, generator
        )


def learning_rate(step: int, config: OptimizerConfig) -> float:
    """Return the rate of a step, counted from 1: a linear rise over the warm-up, then half a cosine to zero.

    >>> [round(learning_rate(s, OptimizerConfig(steps=4, warmup_steps=2, lr=1.0)), 3) for s in (1, 2, 3, 4)]
    [0.5, 1.0, 0.854, 0.146]
    """
    if step <= config.warmup_steps:
        return config.lr * step / config.warmup_steps
    done = (step - config.warmup_steps - 0.5) / max(1, config.steps - config.warmup_steps)
    return config.lr * (1 + math.cos(math.pi * done)) / 2
