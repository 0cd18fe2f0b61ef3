"""What a batch says of a triplet training: is the hinge alive, are the embeddings spread, has it collapsed?"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from speakertrip.losses.distances import AnchorDistances
from speakertrip.metrics import det_curve, equal_error_rate

EER_ROWS = 1_024  # the EER looks at all pairs


@dataclass(frozen=True, slots=True)
class TripletHealth:
    """The state of a batch, before the step that it causes.

    Attributes:
        active: share of the anchors that violate the margin, in [0, 1].
        loss_over_margin: the loss over all anchors, in margins: 1.0 for embeddings that have collapsed to a point.
        to_positives: mean over the anchors of the mean squared distance to their positives.
        to_negatives: likewise to their negatives.
        between_speakers: mean cosine of utterances of different speakers: near 0 when healthy, 1 when collapsed.
        spread: deviation of a dimension of the unit embeddings, quadratic mean, times sqrt(dim): 1 for embeddings
            that fill the sphere, 0 when collapsed.
    """

    active: float
    loss_over_margin: float
    to_positives: float
    to_negatives: float
    between_speakers: float
    spread: float


@torch.no_grad()
def triplet_health(
    embeddings: Tensor, labels: Tensor, distances: AnchorDistances, margin: float
) -> TripletHealth:
    """Measure a batch in time linear in its size.

    Args:
        embeddings: ``(batch, dim)``, raw or of unit length.
        labels: long ``(batch,)``.
        distances: of the batch, as ``MultiSampleTripletLoss.distances`` gives them; without anchors, all that
            belongs to anchors is 0.
        margin: that the anchors are held against.

    Example:
        >>> from speakertrip.losses import MultiSampleTripletLoss
        >>> loss, labels = MultiSampleTripletLoss(margin=0.3), torch.arange(6) // 2
        >>> collapsed = torch.ones(6, 4)
        >>> health = triplet_health(collapsed, labels, loss.distances(collapsed, labels), loss.margin)
        >>> round(health.loss_over_margin, 3), health.active, round(health.spread, 3)
        (1.0, 1.0, 0.0)
    """
    excess = distances.to_positives - distances.to_negatives + margin
    anchors = max(1, len(excess))
    units = functional.normalize(embeddings.float(), dim=1)
    variance = units.square().sum(dim=1).mean() - units.mean(dim=0).square().sum()
    return TripletHealth(
        active=float((excess > 0).sum()) / anchors,
        loss_over_margin=float(excess.clamp_min(0).sum()) / anchors / margin if margin else math.inf,
        to_positives=float(distances.to_positives.sum()) / anchors,
        to_negatives=float(distances.to_negatives.sum()) / anchors,
        between_speakers=_cosine_between_speakers(units, labels),
        spread=math.sqrt(max(0.0, float(variance))),
    )


def batch_eer(embeddings: Tensor, labels: Tensor, rows: int = EER_ROWS) -> float:
    """Return the EER over all pairs of the first rows of a batch: what a model does on the crops it trains on.

    Args:
        embeddings: ``(batch, dim)``; scored by cosine.
        labels: long ``(batch,)``.
        rows: how many; time and memory grow with their square.

    Returns:
        A fraction; NaN where the rows hold no target or no nontarget pair.

    Example:
        >>> batch_eer(torch.eye(4)[[0, 0, 1, 1]], torch.tensor([0, 0, 1, 1]))
        0.0
    """
    units = functional.normalize(embeddings[:rows].detach().float(), dim=1).cpu().numpy()
    speakers = labels[:rows].cpu().numpy()
    first, second = np.triu_indices(len(speakers), k=1)
    same = speakers[first] == speakers[second]
    if not same.any() or same.all():
        return math.nan
    return equal_error_rate(det_curve((units @ units.T)[first, second], same))


def _cosine_between_speakers(units: Tensor, labels: Tensor) -> float:
    """Mean cosine over the pairs of different speakers: all pairs less those within speakers, by sums."""
    _, row, counts = torch.unique(labels, return_inverse=True, return_counts=True)
    sums = units.new_zeros(len(counts), units.shape[1]).index_add_(0, row, units)
    pairs = len(labels) ** 2 - int(counts.square().sum())
    total = units.sum(dim=0).square().sum() - sums.square().sum()
    return float(total) / max(1, pairs)
