"""Samplers choose the utterances of each training batch."""

from speakertrip.samplers.pk import PKSampler

__all__ = ["PKSampler"]
