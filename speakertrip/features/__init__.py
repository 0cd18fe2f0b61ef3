"""Waveforms to log-mel features, and masking of them in training."""

from speakertrip.features.build import build_front_end
from speakertrip.features.kaldi_fbank import KaldiFbank
from speakertrip.features.log_mel import HOP, WINDOW, LogMel
from speakertrip.features.masking import mask_features
from speakertrip.features.speechbrain_fbank import SpeechBrainFbank

__all__ = ["HOP", "WINDOW", "KaldiFbank", "LogMel", "SpeechBrainFbank", "build_front_end", "mask_features"]
