"""Options of the losses: margins, miners, the triplet loss, and the baselines."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from speakertrip.config.frozen import Count, Frozen, Width
from speakertrip.config.kinds import UsualKind

SquaredDistance = Annotated[float, Field(gt=0, le=4)]  # of unit embeddings, which lies in [0, 4]


def _constant(entries: Any) -> Any:
    """A number is short for a constant margin."""
    if isinstance(entries, bool | str | list):
        raise ValueError("must be a number or a section")
    return {"kind": "constant", "value": entries} if isinstance(entries, int | float) else entries


class ConstantMarginConfig(Frozen):
    """The same margin at every step."""

    kind: Literal["constant"] = "constant"
    value: SquaredDistance = 0.4


class RampMarginConfig(Frozen):
    """A margin that goes from start to end within the first steps."""

    kind: Literal["linear", "cosine"]
    start: SquaredDistance
    end: SquaredDistance
    steps: Count = Field(ge=1)


class AdaptiveMarginConfig(Frozen):
    """A margin that keeps the share of active anchors near a target."""

    kind: Literal["adaptive"]
    start: SquaredDistance = 0.4
    target: float = Field(0.5, gt=0, lt=1)  # share of active anchors
    rate: float = Field(0.01, gt=0, le=4)  # margin per step and unit of share
    lowest: SquaredDistance = 0.05
    highest: SquaredDistance = 2.0

    @model_validator(mode="after")
    def _ordered(self) -> "AdaptiveMarginConfig":
        if not self.lowest <= self.start <= self.highest:
            raise ValueError(f"start ({self.start:g}) must lie in [lowest, highest]")
        return self


MarginConfig = Annotated[
    ConstantMarginConfig | RampMarginConfig | AdaptiveMarginConfig,
    Field(discriminator="kind"),
    BeforeValidator(_constant),
]


class EverythingConfig(Frozen):
    """The mean over all negatives, in linear time."""

    kind: Literal["everything"]


class HardestShareConfig(Frozen):
    """The nearest share of each anchor's negatives."""

    kind: Literal["hardest-share"] = "hardest-share"
    share: float = Field(0.05, gt=0, le=1)
    final_share: float | None = Field(
        None, gt=0, le=1
    )  # at the last step, on a straight line; none: the same


class HardestSpeakersConfig(Frozen):
    """All utterances of the speakers that are nearest on average."""

    kind: Literal["hardest-speakers"]
    k: Count = Field(8, ge=1)


class BatchHardConfig(Frozen):
    """The farthest positive and the nearest negative."""

    kind: Literal["batch-hard"]


class SemiHardConfig(Frozen):
    """Negatives farther than the positive, but within the margin of the loss."""

    kind: Literal["semi-hard"]


class DrawnConfig(Frozen):
    """Negatives drawn by chance, uniformly or so that all distances are seen alike."""

    kind: Literal["random", "distance-weighted"]
    count: Count = Field(8, ge=1)  # negatives of each anchor


MinerConfig = Annotated[
    EverythingConfig
    | HardestShareConfig
    | HardestSpeakersConfig
    | BatchHardConfig
    | SemiHardConfig
    | DrawnConfig,
    Field(discriminator="kind"),
    BeforeValidator(UsualKind("hardest-share")),
]


class MemoryConfig(Frozen):
    """A queue of past embeddings, as further negatives and positives."""

    size: Count = Field(0, ge=0)  # embeddings; 0: none
    momentum: float = Field(0.0, ge=0, lt=1)  # of an average of the encoder that fills it; 0: the encoder

    @model_validator(mode="after")
    def _filled(self) -> "MemoryConfig":
        if self.momentum and not self.size:
            raise ValueError("momentum needs a size: how many embeddings are remembered")
        return self


class GuardConfig(Frozen):
    """What to do when all embeddings meet in one point."""

    action: Literal["raise", "ease", "off"] = "raise"  # ease: go on with easier negatives
    patience: Count = Field(100, ge=1)  # collapsed steps in a row
    collapsed_cosine: float = Field(0.98, gt=0, lt=1)  # mean between speakers above which a step counts


class TripletConfig(Frozen):
    """The multi-sample triplet loss."""

    kind: Literal["triplet"] = "triplet"
    margin: MarginConfig = ConstantMarginConfig()
    miner: MinerConfig = HardestShareConfig()
    softplus_scale: float | None = Field(None, gt=0, le=1e4)  # none: the hinge
    reduction: Literal["all", "active"] = "all"
    memory: MemoryConfig = MemoryConfig()
    guard: GuardConfig = GuardConfig()

    @model_validator(mode="after")
    def _adapts(self) -> "TripletConfig":
        if self.margin.kind == "adaptive" and self.miner.kind == "semi-hard":
            raise ValueError("an adaptive margin does not go with semi-hard negatives, which are all active")
        return self


class AAMSoftmaxConfig(Frozen):
    """AAM-softmax over the training speakers."""

    kind: Literal["aam-softmax"]
    margin: float = Field(0.2, ge=0, lt=1.5)  # radians
    margin_warmup_steps: Count = Field(0, ge=0)  # the margin rises from 0 within these steps
    scale: float = Field(30.0, gt=0, le=1e4)
    subcenters: Width = Field(1, ge=1)


class PrototypicalConfig(Frozen):
    """Softmax over the speakers of the batch: angular prototypical, or GE2E."""

    kind: Literal["angular-prototypical", "ge2e"]
    scale: float = Field(10.0, ge=1e-6, le=1e4)  # the first; it is learned
    bias: float = Field(-5.0, ge=-1e4, le=1e4)  # likewise


class JointConfig(Frozen):
    """A softmax loss and the triplet loss at once, as their weighted sum."""

    kind: Literal["joint"]
    softmax: Annotated[AAMSoftmaxConfig | PrototypicalConfig, Field(discriminator="kind")]
    triplet: TripletConfig = TripletConfig()
    weight: float = Field(1.0, gt=0, le=1e6)  # of the triplet loss; the other's is 1


LossConfig = Annotated[
    TripletConfig | AAMSoftmaxConfig | PrototypicalConfig | JointConfig,
    Field(discriminator="kind"),
    BeforeValidator(UsualKind("triplet")),
]
