"""Samplers choose the utterances of each training batch."""

from speakertrip.samplers.centroids import SpeakerCentroids
from speakertrip.samplers.hard import HardSpeakers
from speakertrip.samplers.pk import PKSampler

__all__ = ["HardSpeakers", "PKSampler", "SpeakerCentroids"]
