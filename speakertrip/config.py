"""Configuration: frozen models, read from TOML, unknown keys refused, changed by dotted overrides.

Each field is one option, and its comment gives the unit and the reason for the default.
"""

import sys
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from speakertrip.errors import ConfigError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

Probability = Annotated[float, Field(ge=0, le=1)]
Decibels = Annotated[float, Field(ge=-60, le=100)]


class Frozen(BaseModel):
    """A model that refuses unknown keys, infinities and changes."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class FeatureConfig(Frozen):
    """The log-mel front end; windows of 25 ms every 10 ms at 16 kHz."""

    mels: int = Field(80, ge=8, le=256)
    f_min: float = Field(20.0, ge=0)  # hertz
    f_max: float = Field(7600.0, le=8000)  # hertz

    @model_validator(mode="after")
    def _band(self) -> "FeatureConfig":
        if self.f_min >= self.f_max:
            raise ValueError(f"f_min ({self.f_min:g}) must lie below f_max ({self.f_max:g})")
        return self


class EcapaConfig(Frozen):
    """ECAPA-TDNN (Desplanques et al., 2020)."""

    kind: Literal["ecapa"] = "ecapa"
    channels: int = Field(512, ge=8)
    embedding_dim: int = Field(192, ge=2)
    attention_channels: int = Field(128, ge=1)
    se_channels: int = Field(128, ge=1)
    res2net_scale: int = Field(8, ge=2)

    @model_validator(mode="after")
    def _divisible(self) -> "EcapaConfig":
        if self.channels % self.res2net_scale:
            raise ValueError(
                f"channels ({self.channels}) must be a multiple of res2net_scale ({self.res2net_scale})"
            )
        return self


class XVectorConfig(Frozen):
    """x-vector TDNN (Snyder et al., 2018)."""

    kind: Literal["xvector"] = "xvector"
    channels: int = Field(512, ge=8)
    pooling_channels: int = Field(1500, ge=8)
    embedding_dim: int = Field(512, ge=2)


EncoderConfig = Annotated[EcapaConfig | XVectorConfig, Field(discriminator="kind")]


class DataConfig(Frozen):
    """What to train on and how it is cut."""

    manifest: str = "manifest.train.jsonl"  # below the folder given by --data
    crop_seconds: float = Field(2.0, ge=0.5, le=60)
    licences: dict[str, str] = {}  # of each corpus of the manifest, for the model card
    speeds: tuple[Annotated[float, Field(ge=0.5, le=2)], ...] = (0.9, 1.0, 1.1)  # each makes a new speaker
    memory_gib: float = Field(
        2.0, ge=0
    )  # decoded audio is kept in memory if all of it fits, as 16-bit samples
    workers: int = Field(0, ge=0)  # processes that prepare batches; 0: the training process itself

    @model_validator(mode="after")
    def _unique_speeds(self) -> "DataConfig":
        if not self.speeds or len(set(self.speeds)) != len(self.speeds):
            raise ValueError("speeds must be a non-empty list of different factors")
        return self


class BatchConfig(Frozen):
    """A batch: P speakers x K utterances."""

    speakers: int = Field(40, ge=2)
    utterances: int = Field(4, ge=2)
    group_by: str = ""  # a key of the manifest, as "language": the speakers of a batch share its value


class AugmentConfig(Frozen):
    """Light augmentation of each crop; every probability at 0 turns it off."""

    equalize_probability: Probability = 0.5
    equalize_db: float = Field(10.0, ge=0, le=60)  # largest gain or loss of the random curve
    noise_probability: Probability = 0.6
    noise_snr_db: tuple[Decibels, Decibels] = (5.0, 25.0)
    mask_probability: Probability = 0.5  # SpecAugment on the log-mel
    mask_frames: int = Field(20, ge=0)  # longest masked stretch of time, in frames of 10 ms
    mask_mels: int = Field(10, ge=0)  # widest masked band

    @model_validator(mode="after")
    def _ordered(self) -> "AugmentConfig":
        if self.noise_snr_db[0] > self.noise_snr_db[1]:
            raise ValueError("noise_snr_db must be [lowest, highest]")
        return self


class LossConfig(Frozen):
    """The multi-sample triplet loss."""

    margin: float = Field(0.4, gt=0, le=4)  # in squared distance of unit embeddings, which lies in [0, 4]
    negative_share: float = Field(
        0.05, gt=0, le=1
    )  # negatives are averaged over the hardest share; 1: over all


class OptimizerConfig(Frozen):
    """AdamW with a linear warm-up and a cosine decay to zero."""

    steps: int = Field(10_000, ge=1)
    warmup_steps: int = Field(200, ge=0)
    lr: float = Field(1e-3, gt=0)
    weight_decay: float = Field(1e-4, ge=0)
    clip_norm: float = Field(5.0, gt=0)  # gradients are scaled down to this norm


class ValidationConfig(Frozen):
    """Speakers held out of the training manifest; they choose the best step and the threshold."""

    speakers: int = Field(100, ge=2)
    utterances: int = Field(10, ge=2)  # at most so many of each, to bound memory and time
    every: int = Field(500, ge=1)  # steps
    targets: int = Field(5_000, ge=1)  # target trials among the held-out speakers, at most
    nontargets: int = Field(20_000, ge=1)  # nontarget trials drawn among them, at most


class TrainConfig(Frozen):
    """Everything that a training run depends on, besides the data."""

    seed: int = Field(0, ge=0, lt=2**32)
    data: DataConfig = DataConfig()
    features: FeatureConfig = FeatureConfig()
    encoder: EncoderConfig = EcapaConfig()
    augment: AugmentConfig = AugmentConfig()
    batch: BatchConfig = BatchConfig()
    loss: LossConfig = LossConfig()
    optimizer: OptimizerConfig = OptimizerConfig()
    validation: ValidationConfig = ValidationConfig()


def read_config(path: str | PathLike[str], overrides: Sequence[str] = ()) -> TrainConfig:
    """Read a training configuration.

    Args:
        path: a TOML file.
        overrides: ``section.key=value`` each, the value in TOML (text needs no quotes).

    Raises:
        ConfigError: the file cannot be read, is not TOML, or an entry is unknown or out of range; the message
            names the file and the dotted key.
    """
    try:
        entries = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"Cannot read the configuration {path}: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not TOML: {error}.") from None
    for override in overrides:
        _apply(entries, override)
    try:
        return TrainConfig.model_validate(entries)
    except ValidationError as error:
        raise ConfigError(f"{path}: {_first_problem(error)}.") from None


def _apply(entries: dict[str, Any], override: str) -> None:
    dotted, equals, text = override.partition("=")
    *sections, key = dotted.strip().split(".")
    if not equals or not key or not all(sections):
        raise ConfigError(f"The override {override!r} is not of the form section.key=value.")
    for section in sections:
        entries = entries.setdefault(section, {})
        if not isinstance(entries, dict):
            raise ConfigError(f"The override {override!r} goes into {section!r}, which is not a section.")
    try:
        entries[key] = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        entries[key] = text.strip()


def _first_problem(error: ValidationError) -> str:
    problem = error.errors()[0]
    key = ".".join(str(part) for part in problem["loc"] if part not in ("ecapa", "xvector"))
    reason = (
        "no such option"
        if problem["type"] == "extra_forbidden"
        else problem["msg"].removeprefix("Value error, ")
    )
    if problem["type"] == "union_tag_not_found":
        reason = 'say which: kind = "ecapa" or kind = "xvector"'
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    return f"{key or 'the file'}: {reason}{more}"
