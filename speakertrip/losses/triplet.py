"""The one-sample triplet loss, on triplets that the caller chose."""

import torch
from torch import Tensor, nn


class TripletLoss(nn.Module):
    """Each anchor against one utterance of its speaker and one of another speaker.

    ``L = (1/N) Σ_i max(0, d²(a_i, p_i) − d²(a_i, n_i) + margin)`` with d² the squared Euclidean distance
    (Schroff, Kalenichenko, Philbin: FaceNet, CVPR 2015).

    Args:
        margin: positive, in squared distance; embeddings of unit length have d² in [0, 4].

    Shape:
        - anchors, positives, negatives: ``(triplets, dim)``
        - output: scalar, float32

    Raises:
        ValueError: the margin is not positive, or the three shapes differ or hold no triplet.

    Example:
        >>> a, p, n = torch.zeros(1, 2), torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]])
        >>> TripletLoss(margin=0.5)(a, p, n)
        tensor(0.5000)
    """

    def __init__(self, margin: float) -> None:
        super().__init__()
        if not margin > 0:
            raise ValueError(f"margin must be positive, not {margin}")
        self.margin = margin

    def forward(self, anchors: Tensor, positives: Tensor, negatives: Tensor) -> Tensor:
        """Compute the mean over all triplets."""
        if not anchors.shape == positives.shape == negatives.shape or anchors.ndim != 2 or not len(anchors):
            raise ValueError(
                "anchors, positives and negatives must be of one shape (triplets, dim), not "
                f"{tuple(anchors.shape)}, {tuple(positives.shape)} and {tuple(negatives.shape)}"
            )
        with torch.autocast(anchors.device.type, enabled=False):
            to_positive = (anchors.float() - positives.float()).square().sum(dim=1)
            to_negative = (anchors.float() - negatives.float()).square().sum(dim=1)
            return (to_positive - to_negative + self.margin).clamp_min(0).mean()
