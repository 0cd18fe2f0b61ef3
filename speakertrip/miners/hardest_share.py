"""The hardest share of each anchor's negatives."""

import math

import torch
from torch import Tensor

from speakertrip.miners.sets import NegativeSets


class HardestShare:
    """For each anchor, the nearest share q of its negatives (at least one).

    An average over the hardest few percent keeps the hinge alive late in training, where the average over all
    negatives has left it, and one wrong label among them does not decide the step, as it does for the single
    hardest. Hardness is the squared Euclidean distance of the embeddings as they are given.

    Args:
        share: in (0, 1].

    Raises:
        ValueError: the share is out of range.

    Example:
        >>> embeddings = torch.tensor([[0.0], [0.1], [1.0], [5.0]])
        >>> HardestShare(0.5)(embeddings, torch.tensor([0, 0, 1, 1])).indices.tolist()
        [[2], [2], [1], [1]]
    """

    def __init__(self, share: float) -> None:
        if not 0 < share <= 1:
            raise ValueError(f"share must lie in (0, 1], not {share}")
        self.share = share

    @torch.no_grad()
    def __call__(self, embeddings: Tensor, labels: Tensor) -> NegativeSets:
        """Mine a batch: embeddings ``(batch, dim)``, labels long ``(batch,)``."""
        with torch.autocast(embeddings.device.type, enabled=False):
            vectors = embeddings.float() - embeddings.float().mean(dim=0)
            norms = vectors.square().sum(dim=1)
            distances = norms[:, None] + norms[None, :] - 2 * vectors @ vectors.T
        negative = labels[:, None] != labels[None, :]
        available = negative.sum(dim=1)
        wanted = torch.ceil(self.share * available).long()  # at least one wherever there is one
        most = max(1, math.ceil(self.share * int(available.max())))
        nearest = distances.masked_fill(~negative, torch.inf).topk(most, dim=1, largest=False)
        return NegativeSets(nearest.indices, torch.arange(most, device=labels.device) < wanted[:, None])
