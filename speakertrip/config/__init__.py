"""Configuration: frozen models, read from TOML, unknown keys refused, changed by dotted overrides."""

from speakertrip.config.augment import AugmentConfig
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
