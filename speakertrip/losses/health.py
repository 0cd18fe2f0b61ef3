"""What a batch says of a triplet training: is the hinge alive, are the embeddings spread, has it collapsed?"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from speakertrip.losses.across import processes, sum_across
from speakertrip.losses.distances import AnchorDistances
from speakertrip.losses.sums import number_speakers
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
    embeddings: Tensor, labels: Tensor, distances: AnchorDistances, margin: float, across: bool = True
) -> TripletHealth:
    """Measure a batch in time linear in its size.

    In a process group the batch is that of all processes, and so is what each is told: every process must call it.
    Only labels, counts, and sums per speaker travel.

    Args:
        embeddings: ``(batch, dim)``, raw or of unit length, of this process.
        labels: long ``(batch,)``.
        distances: of the batch, as ``MultiSampleTripletLoss.distances`` gives them; without anchors, all that
            belongs to anchors is 0.
        margin: that the anchors are held against.
        across: False keeps to the rows of this process, whatever the process group.

    Example:
        >>> from speakertrip.losses import MultiSampleTripletLoss
        >>> loss, labels = MultiSampleTripletLoss(margin=0.3), torch.arange(6) // 2
        >>> collapsed = torch.ones(6, 4)
        >>> health = triplet_health(collapsed, labels, loss.distances(collapsed, labels), loss.margin)
        >>> round(health.loss_over_margin, 3), health.active, round(health.spread, 3)
        (1.0, 1.0, 0.0)
    """
    across = across and processes() > 1
    excess = distances.to_positives - distances.to_negatives + margin
    units = functional.normalize(embeddings.float(), dim=1)
    row, counts = number_speakers(labels, across)
    sums = units.new_zeros(len(counts), units.shape[1]).index_add_(0, row, units)
    numbers = torch.stack(
        [
            excess.new_tensor(len(excess)),
            (excess > 0).sum(),
            excess.clamp_min(0).sum(),
            distances.to_positives.sum(),
            distances.to_negatives.sum(),
            units.square().sum(),
        ]
    )
    if across:
        sums, numbers = sum_across(sums), sum_across(numbers)
    anchors, active, loss, to_positives, to_negatives, squares = numbers.tolist()
    anchors, rows = max(1, anchors), int(counts.sum())
    # All pairs of rows less those within speakers, by sums.
    whole, within = float(sums.sum(dim=0).square().sum()), float(sums.square().sum())
    variance = squares / rows - whole / rows**2
    return TripletHealth(
        active=active / anchors,
        loss_over_margin=loss / anchors / margin if margin else math.inf,
        to_positives=to_positives / anchors,
        to_negatives=to_negatives / anchors,
        between_speakers=(whole - within) / max(1, rows**2 - int(counts.square().sum())),
        spread=math.sqrt(max(0.0, variance)),
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
