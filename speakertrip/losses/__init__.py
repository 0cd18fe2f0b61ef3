"""Losses on embeddings of any origin: voices, faces, signatures."""

from speakertrip.losses.multi_sample import MultiSampleTripletLoss
from speakertrip.losses.triplet import TripletLoss

__all__ = ["MultiSampleTripletLoss", "TripletLoss"]
