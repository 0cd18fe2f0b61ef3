"""Waveforms to log-mel features, and masking of them in training."""

from speakertrip.features.log_mel import HOP, WINDOW, LogMel
from speakertrip.features.masking import mask_features

__all__ = ["HOP", "WINDOW", "LogMel", "mask_features"]
