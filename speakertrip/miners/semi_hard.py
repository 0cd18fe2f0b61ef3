"""Semi-hard negatives."""

import torch
from torch import Tensor

from speakertrip.miners.distances import all_rows, centred, row_blocks, squared_distances
from speakertrip.miners.hardest import HardestShare
from speakertrip.miners.sets import RowSets, TripletSets


class SemiHard:
    """For each pair of an anchor and a positive, the negatives that are farther, but within the margin.

    ``d²(a,p) < d²(a,n) < d²(a,p) + margin`` (Schroff, Kalenichenko, Philbin: FaceNet, CVPR 2015): every one of
    them violates the margin, and none is nearer than the positive, as wrong labels and outliers are. An anchor
    comes once for each of its positives; a pair without such a negative has an empty set.

    Args:
        margin: in squared distance, positive; as a rule that of the loss.

    Raises:
        ValueError: the margin is not positive.

    Example:
        >>> sets = SemiHard(1.0)(torch.tensor([[0.0], [1.0], [1.2], [9.0]]), torch.tensor([0, 0, 1, 2]))
        >>> sets.anchors.tolist(), sets.positives.indices.tolist(), sets.negatives.mask.sum(dim=1).tolist()
        ([0, 1], [[1], [0]], [1, 0])
    """

    def __init__(self, margin: float) -> None:
        if not margin > 0:
            raise ValueError(f"margin must be positive, not {margin}")
        self.margin = margin

    @torch.no_grad()
    def __call__(self, embeddings: Tensor, labels: Tensor, anchors: Tensor | None = None) -> TripletSets:
        """See ``Miner``."""
        vectors = centred(embeddings)
        anchors, positives = _pairs(labels, all_rows(embeddings, anchors))
        pairs = torch.arange(len(anchors), device=anchors.device)
        negatives = []
        for block in row_blocks(pairs, len(vectors)):
            rows = anchors[block]
            distances = squared_distances(vectors, rows)
            nearest = distances.gather(1, positives[block, None])
            semi_hard = (distances > nearest) & (distances < nearest + self.margin)
            negatives.append(RowSets.of(semi_hard & (labels[rows, None] != labels)))
        every = torch.ones_like(positives[:, None], dtype=torch.bool)
        return TripletSets(anchors, RowSets(positives[:, None], every), RowSets.join(negatives))

    def easier(self) -> HardestShare:
        """Return the miner of the hardest fifth: an average that hardly any single negative decides."""
        return HardestShare(0.2)


def _pairs(labels: Tensor, anchors: Tensor) -> tuple[Tensor, Tensor]:
    """Return the rows of all (anchor, positive) pairs, ``(pairs,)`` each, anchor by anchor."""
    first, second = [], []
    for rows in row_blocks(anchors, len(labels)):
        same = labels[rows, None] == labels
        same[torch.arange(len(rows), device=rows.device), rows] = False
        places, positives = same.nonzero(as_tuple=True)
        first.append(rows[places])
        second.append(positives)
    return torch.cat(first), torch.cat(second)
