"""What a step minimises, built from the configuration; all state that a resumed run needs is in buffers."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from speakertrip.config import (
    AAMSoftmaxConfig,
    JointConfig,
    LossConfig,
    PrototypicalConfig,
    TrainConfig,
    TripletConfig,
)
from speakertrip.errors import DivergedError
from speakertrip.losses import (
    GE2E,
    AAMSoftmax,
    AngularPrototypical,
    CollapseGuard,
    MultiSampleTripletLoss,
    TripletHealth,
    gather_batch,
    triplet_health,
)
from speakertrip.losses.margins import AdaptiveMargin, LinearMargin
from speakertrip.miners import EmbeddingMemory, Everything, Miner, TripletSets
from speakertrip.training.mining import Moment, build_margin, build_miner


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an objective says of a batch.

    Attributes:
        loss: scalar, with its gradient.
        health: of a triplet loss; None for others.
        margin: that the batch was held against; None where the loss has none.
        notice: a sentence for the user, where something happened.
    """

    loss: Tensor
    health: TripletHealth | None = None
    margin: float | None = None
    notice: str | None = None


class Objective(nn.Module, ABC):
    """A loss as the trainer sees it: parameters, buffers, and an outcome for each batch."""

    @abstractmethod
    def forward(self, step: int, embeddings: Tensor, labels: Tensor, slow: Tensor | None = None) -> Outcome:
        """Compute the loss of a step.

        Args:
            step: counted from 1.
            embeddings: ``(batch, dim)``, of unit length.
            labels: long ``(batch,)``, ``0 .. speakers-1``.
            slow: ``(batch, dim)``, of the averaged encoder, for the memory; None: the embeddings themselves.

        Raises:
            DivergedError: the training has collapsed, and the guard is to raise.
        """


def build_objective(config: TrainConfig, speakers: int) -> Objective:
    """Build what the configuration names.

    Args:
        config: of the run.
        speakers: in training, each speed factor counted.
    """

    def build(loss: LossConfig) -> Objective:
        if isinstance(loss, TripletConfig):
            return TripletObjective(loss, config.encoder.embedding_dim, config.seed, config.optimizer.steps)
        if isinstance(loss, AAMSoftmaxConfig):
            return ClassifierObjective(loss, config.encoder.embedding_dim, speakers)
        if isinstance(loss, JointConfig):
            return JointObjective(build(loss.softmax), build(loss.triplet), loss.weight)
        return PrototypicalObjective(loss)

    return build(config.loss)


class TripletObjective(Objective):
    """The multi-sample triplet loss with its miner, margin schedule, memory of embeddings and collapse guard.

    Args:
        config: its options.
        dim: of an embedding.
        seed: of miners that draw.
        last_step: of the run.
    """

    state: Tensor

    def __init__(self, config: TripletConfig, dim: int, seed: int, last_step: int) -> None:
        super().__init__()
        self.config, self.seed, self.last_step = config, seed, last_step
        margin = build_margin(config.margin)(1)
        self.loss = MultiSampleTripletLoss(margin, config.softplus_scale, config.reduction)
        self.memory = EmbeddingMemory(config.memory.size, dim) if config.memory.size else None
        # The margin where it is adaptive, collapsed steps in a row, and how often the difficulty was lowered.
        self.register_buffer("state", torch.tensor([margin, 0.0, 0.0]))

    def forward(self, step: int, embeddings: Tensor, labels: Tensor, slow: Tensor | None = None) -> Outcome:
        """See ``Objective``."""
        adaptive, suspicious, eased = self.state.tolist()
        margin = build_margin(self.config.margin)
        if isinstance(margin, AdaptiveMargin):
            margin.value = adaptive
        self.loss.margin = margin(step)
        moment = Moment(step, self.last_step, self.loss.margin, self.seed)
        miner = build_miner(self.config.miner, moment, int(eased))
        distances = self.loss.distances(*self._mine(miner, embeddings, labels, slow))
        health = triplet_health(embeddings, labels, distances, self.loss.margin)

        guard = CollapseGuard(self.config.guard.patience, self.config.guard.collapsed_cosine, int(suspicious))
        collapse = guard.watch(health) if self.config.guard.action != "off" else None
        if collapse and (self.config.guard.action == "raise" or miner.easier() is None):
            raise DivergedError(
                f"At step {step}: {collapse}; begin anew with easier negatives (loss.miner), a lower "
                "optimizer.lr or longer warm-up, or from a model that was trained with softmax (--init)."
            )
        if isinstance(margin, AdaptiveMargin):
            margin.update(health.active)
        state = [margin(step + 1), guard.suspicious, eased + bool(collapse)]
        self.state.copy_(torch.tensor(state))
        notice = f"{collapse}; going on with easier negatives." if collapse else None
        return Outcome(self.loss.of_distances(distances), health, self.loss.margin, notice)

    def _mine(
        self, miner: Miner, embeddings: Tensor, labels: Tensor, slow: Tensor | None
    ) -> tuple[Tensor, Tensor, TripletSets | None]:
        """Return the rows that anchors may see, their labels, and the sets; None: everything, by sums."""
        if self.memory is None and isinstance(miner, Everything):
            return embeddings, labels, None
        candidates, their_labels, own = gather_batch(embeddings, labels)
        if self.memory is not None:
            past = candidates if slow is None else gather_batch(slow, labels)[0]
            batch = their_labels
            candidates, their_labels = self.memory.join(candidates, batch)
            self.memory.push(past, batch)
        return candidates, their_labels, miner(candidates, their_labels, own)


class ClassifierObjective(Objective):
    """AAM-softmax over all training speakers, with a margin that may rise from 0."""

    def __init__(self, config: AAMSoftmaxConfig, dim: int, speakers: int) -> None:
        super().__init__()
        self.config = config
        self.loss = AAMSoftmax(dim, speakers, config.margin, config.scale, config.subcenters)

    def forward(self, step: int, embeddings: Tensor, labels: Tensor, slow: Tensor | None = None) -> Outcome:
        """See ``Objective``."""
        warmup = self.config.margin_warmup_steps
        self.loss.margin = (
            LinearMargin(0.0, self.config.margin, warmup)(step) if warmup else self.config.margin
        )
        return Outcome(self.loss(embeddings, labels), margin=self.loss.margin)


class PrototypicalObjective(Objective):
    """Softmax over the speakers of the batch."""

    def __init__(self, config: PrototypicalConfig) -> None:
        super().__init__()
        self.loss = (GE2E if config.kind == "ge2e" else AngularPrototypical)(config.scale, config.bias)

    def forward(self, step: int, embeddings: Tensor, labels: Tensor, slow: Tensor | None = None) -> Outcome:
        """See ``Objective``."""
        return Outcome(self.loss(embeddings, labels))


class JointObjective(Objective):
    """The sum of a softmax loss and a weighted triplet loss, which tells the health."""

    def __init__(self, softmax: Objective, triplet: Objective, weight: float) -> None:
        super().__init__()
        self.softmax, self.triplet, self.weight = softmax, triplet, weight

    def forward(self, step: int, embeddings: Tensor, labels: Tensor, slow: Tensor | None = None) -> Outcome:
        """See ``Objective``."""
        softmax: Outcome = self.softmax(step, embeddings, labels)
        triplet: Outcome = self.triplet(step, embeddings, labels, slow)
        return replace(triplet, loss=softmax.loss + self.weight * triplet.loss)
