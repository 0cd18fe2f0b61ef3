"""A front end from its configuration."""

from torch import nn

from speakertrip.config import AnyFeatureConfig, KaldiFbankConfig, SpeechBrainFbankConfig
from speakertrip.features.kaldi_fbank import KaldiFbank
from speakertrip.features.log_mel import LogMel
from speakertrip.features.speechbrain_fbank import SpeechBrainFbank


def build_front_end(config: AnyFeatureConfig) -> nn.Module:
    """Build a front end: waveforms ``(batch, samples)`` at 16 kHz to features ``(batch, frames, mels)``.

    It has nothing to learn, and each row's features depend on that row alone.

    Raises:
        ConfigError: so many mels in so narrow a band that some would be empty.
    """
    if isinstance(config, SpeechBrainFbankConfig):
        return SpeechBrainFbank(config)
    if isinstance(config, KaldiFbankConfig):
        return KaldiFbank(config)
    return LogMel(config)
