"""Configuration: frozen models, read from TOML, unknown keys refused, changed by dotted overrides."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from speakertrip.config.encoders import (
    AnyEncoderConfig,
    AnyFeatureConfig,
    EcapaConfig,
    EncoderConfig,
    FeatureConfig,
    KaldiFbankConfig,
    OnnxConfig,
    ResNetConfig,
    SpeechBrainFbankConfig,
    XVectorConfig,
)
from speakertrip.config.frozen import Frozen

if TYPE_CHECKING:
    from speakertrip.config.augment import AugmentConfig
    from speakertrip.config.losses import (
        AAMSoftmaxConfig,
        JointConfig,
        LossConfig,
        MarginConfig,
        MinerConfig,
        PrototypicalConfig,
        TripletConfig,
    )
    from speakertrip.config.reading import read_config, read_space
    from speakertrip.config.train import (
        AverageConfig,
        BatchConfig,
        CheckpointConfig,
        ComputeConfig,
        DataConfig,
        LastAverageConfig,
        OptimizerConfig,
        RunningAverageConfig,
        TrainConfig,
        ValidationConfig,
    )
    from speakertrip.config.tune import TuneSpace
    from speakertrip.config.watch import WatchConfig
    from speakertrip.config.writing import to_toml

# Of training, and resolved at first use: pydantic takes a tenth of a second for them, which a verification would wait.
_OF_TRAINING = {
    "augment": ["AugmentConfig"],
    "losses": [
        "AAMSoftmaxConfig",
        "JointConfig",
        "LossConfig",
        "MarginConfig",
        "MinerConfig",
        "PrototypicalConfig",
        "TripletConfig",
    ],
    "reading": ["read_config", "read_space"],
    "train": [
        "AverageConfig",
        "BatchConfig",
        "CheckpointConfig",
        "ComputeConfig",
        "DataConfig",
        "LastAverageConfig",
        "OptimizerConfig",
        "RunningAverageConfig",
        "TrainConfig",
        "ValidationConfig",
    ],
    "tune": ["TuneSpace"],
    "watch": ["WatchConfig"],
    "writing": ["to_toml"],
}
_HOMES = {name: module for module, names in _OF_TRAINING.items() for name in names}

__all__ = [
    "AAMSoftmaxConfig",
    "AnyEncoderConfig",
    "AnyFeatureConfig",
    "AugmentConfig",
    "AverageConfig",
    "BatchConfig",
    "CheckpointConfig",
    "ComputeConfig",
    "DataConfig",
    "EcapaConfig",
    "EncoderConfig",
    "FeatureConfig",
    "Frozen",
    "JointConfig",
    "KaldiFbankConfig",
    "LastAverageConfig",
    "LossConfig",
    "MarginConfig",
    "MinerConfig",
    "OnnxConfig",
    "OptimizerConfig",
    "PrototypicalConfig",
    "ResNetConfig",
    "RunningAverageConfig",
    "SpeechBrainFbankConfig",
    "TrainConfig",
    "TripletConfig",
    "TuneSpace",
    "ValidationConfig",
    "WatchConfig",
    "XVectorConfig",
    "read_config",
    "read_space",
    "to_toml",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"speakertrip.config.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'speakertrip.config' has no attribute {name!r}")
