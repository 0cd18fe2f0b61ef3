"""Configuration: frozen models, read from TOML, unknown keys refused, changed by dotted overrides."""

from speakertrip.config.augment import AugmentConfig
from speakertrip.config.encoders import EcapaConfig, EncoderConfig, FeatureConfig, XVectorConfig
from speakertrip.config.frozen import Frozen
from speakertrip.config.losses import (
    AAMSoftmaxConfig,
    LossConfig,
    MarginConfig,
    MinerConfig,
    PrototypicalConfig,
    TripletConfig,
)
from speakertrip.config.reading import read_config
from speakertrip.config.train import (
    BatchConfig,
    DataConfig,
    OptimizerConfig,
    TrainConfig,
    ValidationConfig,
)

__all__ = [
    "AAMSoftmaxConfig",
    "AugmentConfig",
    "BatchConfig",
    "DataConfig",
    "EcapaConfig",
    "EncoderConfig",
    "FeatureConfig",
    "Frozen",
    "LossConfig",
    "MarginConfig",
    "MinerConfig",
    "OptimizerConfig",
    "PrototypicalConfig",
    "TrainConfig",
    "TripletConfig",
    "ValidationConfig",
    "XVectorConfig",
    "read_config",
]
