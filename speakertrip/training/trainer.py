"""One step of training: the model, its objective and its optimiser."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from speakertrip.bundle import SpeakerModel
from speakertrip.config import TrainConfig
from speakertrip.features import mask_features
from speakertrip.losses import TripletHealth, gather_batch
from speakertrip.training.average import WeightAverage
from speakertrip.training.encoding import Encoding
from speakertrip.training.finite import NotFiniteError
from speakertrip.training.objective import build_objective
from speakertrip.training.processes import average_across, place_in_batch, synchronised
from speakertrip.training.scaler import LossScaler
from speakertrip.training.schedules import learning_rate


@dataclass(frozen=True, slots=True)
class StepResult:
    """What a step computed.

    Attributes:
        loss: of the batch, before the step.
        health: of a triplet loss, before the step; None for others.
        margin: that the batch was held against; None where the loss has none.
        notice: a sentence for the user, where something happened.
        embeddings: ``(batch, dim)``, of unit length, detached; those of all processes.
        labels: ``(batch,)``, likewise.
    """

    loss: float
    health: TripletHealth | None
    margin: float | None
    notice: str | None
    embeddings: Tensor
    labels: Tensor


class Trainer:
    """Model, objective and optimiser of a run.

    Args:
        config: of the run; its seed draws the first weights.
        device: where to train.
        speakers: in training, each speed factor counted.

    Attributes:
        model: front end and encoder, as they are trained.
        modules: everything with weights or state: what a checkpoint keeps, beside the optimiser's.
        optimizer: of all parameters.
    """

    def __init__(self, config: TrainConfig, device: torch.device, speakers: int) -> None:
        torch.manual_seed(config.seed)
        self.config, self.device = config, device
        self.model = SpeakerModel(config.features, config.encoder).to(device)
        if not config.compute.micro_batch:  # parts are normalised each by itself, on one process too
            self.model = synchronised(self.model, device)
        self.objective = build_objective(config, speakers).to(device)
        self.modules = nn.ModuleDict({"model": self.model, "objective": self.objective})
        momentum = config.triplet.memory.momentum if config.triplet else 0.0
        self.slow = None
        if momentum:
            average = get_ema_multi_avg_fn(momentum)  # type: ignore[no-untyped-call]
            self.slow = AveragedModel(self.model.encoder, multi_avg_fn=average)
            self.modules["slow"] = self.slow
            self.encode_slow = Encoding(self.slow.module, config.compute, device)
        self.average = None
        if config.average.kind != "none":
            self.average = WeightAverage(self.model, config.average, config.optimizer.steps)
            self.modules["average"] = self.average
        self.scaler = LossScaler(device, config.compute.precision == "fp16")
        if config.compute.precision == "fp16":
            self.modules["scaler"] = self.scaler
        self.encode = Encoding(self.model.encoder, config.compute, device)
        self.optimizer = torch.optim.AdamW(
            [*self.model.parameters(), *self.objective.parameters()],
            lr=config.optimizer.lr,
            weight_decay=config.optimizer.weight_decay,
        )

    @property
    def shipped(self) -> SpeakerModel:
        """The model that is validated and kept: the average where there is one."""
        return self.model if self.average is None else self.average.best(self.model)

    def take(self, weights: dict[str, Tensor]) -> None:
        """Take over weights of a model, by name; those that are not given stay as they were drawn."""
        self.model.load_state_dict(weights, strict=False)
        if self.slow is not None:
            self.slow.module.load_state_dict(self.model.encoder.state_dict())

    def step(self, number: int, waveforms: Tensor, labels: Tensor) -> StepResult:
        """Learn from a batch: waveforms ``(batch, samples)``, labels ``(batch,)``; steps count from 1.

        Of several processes each gives its share, and all take the same step.

        Raises:
            DivergedError: the training has collapsed, or the loss or its gradient is not finite; the parameters are
                those before the step.
        """
        self.modules.train()
        labels = labels.to(self.device, non_blocking=True)
        features = self._mask(self.model.log_mel(waveforms.to(self.device, non_blocking=True)), number)
        embeddings = self._embed(features, number)
        outcome = self.objective(number, embeddings, labels, self._slow_embeddings(features))
        loss = outcome.loss.item()
        self.optimizer.zero_grad()
        self.scaler.scale(outcome.loss).backward()  # type: ignore[no-untyped-call]
        average_across(self.modules)
        self._apply(number, loss)
        if self.slow is not None:
            self.slow.update_parameters(self.model.encoder)
        if self.average is not None:
            self.average.update(number, self.model)
        everybody, their_labels, _ = gather_batch(embeddings.detach(), labels)
        return StepResult(loss, outcome.health, outcome.margin, outcome.notice, everybody, their_labels)

    def _embed(self, features: Tensor, number: int) -> Tensor:
        if number > self.config.optimizer.frozen_steps:
            return self.encode(features)
        self.model.eval()  # its statistics, too, stay as they are
        with torch.no_grad():
            return self.encode(features)

    def _apply(self, number: int, loss: float) -> None:
        """Move the parameters by their gradients."""
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(number, self.config.optimizer)
        self.scaler.unscale(self.optimizer)
        norm = torch.nn.utils.clip_grad_norm_(self.modules.parameters(), self.config.optimizer.clip_norm)
        if not (math.isfinite(loss) and (norm.isfinite() or self.scaler.may_skip())):
            raise NotFiniteError(
                f"At step {number} the loss is {loss:g} and its gradient {norm.item():g}; begin anew with a "
                "lower optimizer.lr, or go on with --resume from the checkpoint if there is one yet."
            )
        self.scaler.step(self.optimizer)

    @torch.no_grad()
    def _slow_embeddings(self, features: Tensor) -> Tensor | None:
        if self.slow is None:
            return None
        # In training mode as the encoder is: running statistics would put its embeddings elsewhere.
        return self.encode_slow(features)

    def _mask(self, features: Tensor, number: int) -> Tensor:
        augment = self.config.augment
        # Seeded by the step, so that a resumed run masks as the uninterrupted one does.
        generator = torch.Generator().manual_seed(self.config.seed * 1_000_003 + number)
        spans = augment.mask_probability, augment.mask_frames, augment.mask_mels
        return mask_features(features, *spans, generator, *place_in_batch(self.config.batch))
