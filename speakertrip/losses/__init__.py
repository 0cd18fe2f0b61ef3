"""Losses on embeddings of any origin (voices, faces, signatures), their margins, and what watches over them."""

from speakertrip.losses.across import gather_batch
from speakertrip.losses.distances import AnchorDistances
from speakertrip.losses.guard import CollapseGuard
from speakertrip.losses.health import TripletHealth, batch_eer, triplet_health
from speakertrip.losses.margins import AdaptiveMargin, ConstantMargin, CosineMargin, LinearMargin, Margin
from speakertrip.losses.multi_sample import MultiSampleTripletLoss
from speakertrip.losses.prototypical import GE2E, AngularPrototypical
from speakertrip.losses.softmax import AAMSoftmax
from speakertrip.losses.triplet import TripletLoss

__all__ = [
    "GE2E",
    "AAMSoftmax",
    "AdaptiveMargin",
    "AnchorDistances",
    "AngularPrototypical",
    "CollapseGuard",
    "ConstantMargin",
    "CosineMargin",
    "LinearMargin",
    "Margin",
    "MultiSampleTripletLoss",
    "TripletHealth",
    "TripletLoss",
    "batch_eer",
    "gather_batch",
    "triplet_health",
]
