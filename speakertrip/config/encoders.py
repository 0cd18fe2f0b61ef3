"""Options of the front ends and of the encoders."""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from speakertrip.config.frozen import Frozen, Width


def _require_band(f_min: float, f_max: float) -> None:
    if f_min >= f_max:
        raise ValueError(f"f_min ({f_min:g}) must lie below f_max ({f_max:g})")


class FeatureConfig(Frozen):
    """The log-mel front end; windows of 25 ms every 10 ms at 16 kHz."""

    mels: int = Field(80, ge=8, le=256)
    f_min: float = Field(20.0, ge=0)  # hertz
    f_max: float = Field(7600.0, le=8000)  # hertz

    @model_validator(mode="after")
    def _band(self) -> "FeatureConfig":
        _require_band(self.f_min, self.f_max)
        return self


class SpeechBrainFbankConfig(Frozen):
    """The front end of SpeechBrain's speaker models: ``lobes.features.Fbank``, then each utterance's mean removed."""

    kind: Literal["speechbrain-fbank"] = "speechbrain-fbank"
    mels: int = Field(80, ge=8, le=256)
    f_min: float = Field(0.0, ge=0)  # hertz
    f_max: float = Field(8000.0, le=8000)  # hertz

    @model_validator(mode="after")
    def _band(self) -> "SpeechBrainFbankConfig":
        _require_band(self.f_min, self.f_max)
        return self


class KaldiFbankConfig(Frozen):
    """Kaldi's filter bank of 16-bit samples, as WeSpeaker takes it, then each utterance's mean removed."""

    kind: Literal["kaldi-fbank"] = "kaldi-fbank"
    mels: int = Field(80, ge=8, le=128)
    window: Literal["hamming", "povey"] = "hamming"


LOG_MEL = "log-mel"  # FeatureConfig, which says no kind: the identity of a bundle is a hash of what it says


def _front_end(features: Any) -> Any:
    return features.get("kind", LOG_MEL) if isinstance(features, dict) else getattr(features, "kind", LOG_MEL)


AnyFeatureConfig = Annotated[
    Annotated[FeatureConfig, Tag(LOG_MEL)]
    | Annotated[SpeechBrainFbankConfig, Tag("speechbrain-fbank")]
    | Annotated[KaldiFbankConfig, Tag("kaldi-fbank")],
    Discriminator(_front_end),
]


class EcapaConfig(Frozen):
    """ECAPA-TDNN (Desplanques et al., 2020)."""

    kind: Literal["ecapa"] = "ecapa"
    channels: Width = Field(512, ge=8)
    embedding_dim: Width = Field(192, ge=2)
    attention_channels: Width = Field(128, ge=1)
    se_channels: Width = Field(128, ge=1)
    res2net_scale: Width = Field(8, ge=2)

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
    channels: Width = Field(512, ge=8)
    pooling_channels: Width = Field(1500, ge=8)
    embedding_dim: Width = Field(512, ge=2)


class ResNetConfig(Frozen):
    """A thin ResNet (He et al., 2016; Chung et al., 2020)."""

    kind: Literal["resnet"] = "resnet"
    channels: Width = Field(16, ge=4)  # of the first stage; each next one has twice as many
    blocks: tuple[Width, Width, Width, Width] = (1, 1, 1, 1)  # of the four stages
    embedding_dim: Width = Field(128, ge=2)
    attention_channels: Width = Field(64, ge=1)


EncoderConfig = Annotated[EcapaConfig | XVectorConfig | ResNetConfig, Field(discriminator="kind")]


class OnnxConfig(Frozen):
    """A network of another toolkit as an ONNX file, which is used and not trained."""

    kind: Literal["onnx"] = "onnx"
    embedding_dim: Width = Field(ge=2)


AnyEncoderConfig = Annotated[
    EcapaConfig | XVectorConfig | ResNetConfig | OnnxConfig, Field(discriminator="kind")
]
