"""The one-sample triplet loss, on triplets that the caller chose."""

import torch
from torch import Tensor

from speakertrip.losses.violation import MarginLoss
from speakertrip.miners.distances import as_float


class TripletLoss(MarginLoss):
    """Each anchor against one utterance of its speaker and one of another speaker.

    ``L = (1/N) Σ_i max(0, d²(a_i, p_i) − d²(a_i, n_i) + margin)`` with d² the squared Euclidean distance
    (Schroff, Kalenichenko, Philbin: FaceNet, CVPR 2015).

    In a process group the mean is over the triplets of all processes; see ``MultiSampleTripletLoss``.

    Args:
        margin: in squared distance, positive; embeddings of unit length have d² in [0, 4]. A schedule may assign
            the attribute between steps. 0 is allowed with ``softplus_scale``.
        softplus_scale: None for the hinge; a positive s smooths it to ``ln(1 + exp(s x)) / s``.
        reduction: "all" averages over all triplets; "active" over those that violate the margin.
        across: False keeps the loss to the triplets of this process, whatever the process group.

    Shape:
        - anchors, positives, negatives: ``(triplets, dim)``
        - output: scalar, float32 (float64 for float64 embeddings)

    Raises:
        ValueError: an option is out of range, or the three shapes differ or hold no triplet.

    Example:
        >>> a, p, n = torch.zeros(1, 2), torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]])
        >>> TripletLoss(margin=0.5)(a, p, n)
        tensor(0.5000)
    """

    def forward(self, anchors: Tensor, positives: Tensor, negatives: Tensor) -> Tensor:
        """Compute the mean over the triplets."""
        problem = None
        if not anchors.shape == positives.shape == negatives.shape or anchors.ndim != 2:
            problem = (
                "anchors, positives and negatives must be of one shape (triplets, dim), not "
                f"{tuple(anchors.shape)}, {tuple(positives.shape)} and {tuple(negatives.shape)}"
            )
        # One process may have none, but not all.
        found = torch.tensor(0 if problem else len(anchors), device=anchors.device)
        self._require(found, "there is no triplet", problem)
        with torch.autocast(anchors.device.type, enabled=False):
            to_positive = (as_float(anchors) - as_float(positives)).square().sum(dim=1)
            to_negative = (as_float(anchors) - as_float(negatives)).square().sum(dim=1)
            return self.of_excess(to_positive - to_negative + self.margin)
