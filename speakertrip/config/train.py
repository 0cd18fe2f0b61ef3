"""Everything that a training run depends on, besides the data.

Each field is one option, and its comment gives the unit and the reason for the default.
"""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from speakertrip.config.augment import AugmentConfig
from speakertrip.config.encoders import EcapaConfig, EncoderConfig, FeatureConfig
from speakertrip.config.frozen import Count, FileName, Frozen, Probability, Width
from speakertrip.config.losses import (
    AAMSoftmaxConfig,
    JointConfig,
    LossConfig,
    RampMarginConfig,
    TripletConfig,
)
from speakertrip.config.watch import WatchConfig

SMALLEST_PART = 4  # crops that batch normalisation can take statistics of


class DataConfig(Frozen):
    """What to train on and how it is cut."""

    manifest: FileName = "manifest.train.jsonl"  # below the folder given by --data
    crop_seconds: float = Field(2.0, ge=0.5, le=60)
    final_crop_seconds: float | None = Field(
        None, ge=0.5, le=60
    )  # at the last step, on a straight line, in tenths; none: the same
    licences: dict[str, str] = Field({})  # of each corpus of the manifest, for the model card
    speeds: tuple[Annotated[float, Field(ge=0.5, le=2)], ...] = (0.9, 1.0, 1.1)  # each makes a new speaker
    pitches: tuple[Annotated[float, Field(ge=-12, le=12)], ...] = (
        0.0,
    )  # semitones; each, at each speed, too
    memory_gib: float = Field(
        2.0, ge=0, le=1e6
    )  # of a machine, for all its processes: decoded audio is kept there if all of it fits, as 16-bit samples
    workers: int = Field(
        0, ge=0, le=256
    )  # processes that prepare batches for each one that trains; 0: that itself
    prefetch: int = Field(2, ge=1, le=64)  # batches that each of these has ready

    @model_validator(mode="after")
    def _different_voices(self) -> "DataConfig":
        if not self.speeds or len(set(self.speeds)) != len(self.speeds):
            raise ValueError("speeds must be a non-empty list of different factors")
        if not self.pitches or len(set(self.pitches)) != len(self.pitches):
            raise ValueError("pitches must be a non-empty list of different numbers of semitones")
        return self


class BatchConfig(Frozen):
    """A batch: P speakers x K utterances."""

    speakers: Width = Field(40, ge=2)
    utterances: Width = Field(4, ge=2)
    group_by: str = ""  # a key of the manifest, as "language": the speakers of a batch share its value
    balance: Literal["speaker", "utterance"] = "speaker"  # which of them an epoch shows equally often
    hard_share: Probability = (
        0.0  # of a batch: a speaker and those that the last epoch took for it; 0: by chance
    )

    @model_validator(mode="after")
    def _compatible(self) -> "BatchConfig":
        if self.hard_share and (self.group_by or self.balance == "utterance"):
            raise ValueError('hard_share goes with neither group_by nor balance = "utterance"; leave one out')
        return self


class OptimizerConfig(Frozen):
    """AdamW with a linear warm-up and a decay to zero."""

    steps: Count = Field(10_000, ge=1)
    warmup_steps: Count = Field(200, ge=0)  # fewer than steps; a shorter run by default only rises
    lr: float = Field(1e-3, gt=0, le=1e4)
    decay: Literal["cosine", "linear", "none"] = "cosine"  # of the rate, after the warm-up
    frozen_steps: Count = Field(0, ge=0)  # at first, in which only what the loss has to learn is learnt
    weight_decay: float = Field(1e-4, ge=0, le=1e4)
    clip_norm: float = Field(5.0, gt=0, le=1e9)  # gradients are scaled down to this norm


class ComputeConfig(Frozen):
    """How a step is computed. But for rounding it computes the same, save that parts are normalised each by itself."""

    precision: Literal["fp32", "bf16", "fp16"] = "fp32"  # of the encoder; losses and weights stay in fp32
    micro_batch: Count = Field(0, ge=0)  # crops in the encoder at once, to save memory; 0: the whole batch
    compile: bool = False  # the encoder by torch.compile, which needs a C++ compiler on a CPU

    @field_validator("micro_batch")
    @classmethod
    def _can_be_normalised(cls, size: int) -> int:
        if 0 < size < SMALLEST_PART:
            raise ValueError(f"must be 0 or at least {SMALLEST_PART}: each part is normalised by itself")
        return size


class NoAverageConfig(Frozen):
    """The weights as they are."""

    kind: Literal["none"] = "none"


class RunningAverageConfig(Frozen):
    """An exponential average of the weights over the steps."""

    kind: Literal["ema"]
    decay: float = Field(0.999, gt=0, lt=1)


class LastAverageConfig(Frozen):
    """The plain mean of the weights at the last points of the run."""

    kind: Literal["last"]
    count: int = Field(5, ge=2)  # points, the last of them the end of the run
    every: int = Field(100, ge=1)  # steps between them


AverageConfig = Annotated[  # of the weights; it is what is validated and kept
    NoAverageConfig | RunningAverageConfig | LastAverageConfig, Field(discriminator="kind")
]


class ValidationConfig(Frozen):
    """Speakers held out of the training manifest; they choose the best step and the threshold."""

    speakers: Count = Field(100, ge=2)
    utterances: Count = Field(10, ge=2)  # at most so many of each, to bound memory and time
    every: Count = Field(500, ge=1)  # steps
    patience: Count = Field(0, ge=0)  # validations in a row without a real gain that end the run; 0: none do
    targets: Count = Field(5_000, ge=1)  # target trials among the held-out speakers, at most
    nontargets: Count = Field(20_000, ge=1)  # nontarget trials drawn among them, at most


class CheckpointConfig(Frozen):
    """When the state of a run is kept, to go on from."""

    every: Count = Field(0, ge=0)  # steps, and at each validation; 0: at validations only


class TrainConfig(Frozen):
    """Everything that a training run depends on, besides the data."""

    seed: int = Field(0, ge=0, lt=2**32)
    data: DataConfig = DataConfig()
    features: FeatureConfig = FeatureConfig()
    encoder: EncoderConfig = EcapaConfig()
    augment: AugmentConfig = AugmentConfig()
    batch: BatchConfig = BatchConfig()
    loss: LossConfig = TripletConfig()
    optimizer: OptimizerConfig = OptimizerConfig()
    compute: ComputeConfig = ComputeConfig()
    average: AverageConfig = NoAverageConfig()
    validation: ValidationConfig = ValidationConfig()
    watch: WatchConfig = WatchConfig()
    checkpoint: CheckpointConfig = CheckpointConfig()

    @property
    def triplet(self) -> TripletConfig | None:
        """The options of the triplet loss, alone or in a joint one; None where there is none."""
        loss = self.loss.triplet if isinstance(self.loss, JointConfig) else self.loss
        return loss if isinstance(loss, TripletConfig) else None

    @model_validator(mode="after")
    def _learnable(self) -> "TrainConfig":
        if self.optimizer.frozen_steps and self.loss.kind == "triplet":
            raise ValueError(
                "optimizer.frozen_steps: the triplet loss has nothing to learn of its own; leave it out"
            )
        if self.optimizer.frozen_steps >= self.optimizer.steps:
            raise ValueError("optimizer.frozen_steps must be less than optimizer.steps")
        return self

    @model_validator(mode="after")
    def _long_enough(self) -> "TrainConfig":
        """No schedule outlasts the run: what it leads to would never be reached."""
        steps, warmup = self.optimizer.steps, self.optimizer.warmup_steps
        # The default is for runs of any length. By value: a configuration that was written out holds every key.
        if steps <= warmup != OptimizerConfig.model_fields["warmup_steps"].default:
            raise ValueError(f"optimizer.warmup_steps ({warmup}) must be less than optimizer.steps ({steps})")
        if self.average.kind == "last" and self.average.every >= steps:
            raise ValueError(
                f"average.every ({self.average.every}) must be less than optimizer.steps ({steps})"
            )
        for key, last in self._ramps():
            if last > steps:
                raise ValueError(f"{key} ({last}) must not be more than optimizer.steps ({steps})")
        return self

    def _ramps(self) -> Iterator[tuple[str, int]]:
        """The steps within which margins rise."""
        joint = isinstance(self.loss, JointConfig)
        if self.triplet is not None and isinstance(self.triplet.margin, RampMarginConfig):
            yield f"loss.{'triplet.' * joint}margin.steps", self.triplet.margin.steps
        softmax = self.loss.softmax if isinstance(self.loss, JointConfig) else self.loss
        if isinstance(softmax, AAMSoftmaxConfig):
            yield f"loss.{'softmax.' * joint}margin_warmup_steps", softmax.margin_warmup_steps
