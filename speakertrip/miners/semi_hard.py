"""Semi-hard negatives."""

import torch
from torch import Tensor

from speakertrip.miners.distances import all_rows, centred, row_blocks, squared_distances
from speakertrip.miners.everything import Everything
from speakertrip.miners.sets import RowSets, TripletSets


class SemiHard:
    """For each pair of an anchor and a positive, the negatives that are farther, but within the margin.

    ``d²(a,p) < d²(a,n) < d²(a,p) + margin`` (Schroff, Kalenichenko, Philbin: FaceNet, CVPR 2015): every one of
    them violates the margin, and none is nearer than the positive, as wrong labels and outliers are. An anchor
    comes once for each of its positives; a pair without such a negative has an empty set. The sets take a byte for
    each pair and row of the batch: much, where few speakers have many utterances each.

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
        columns = torch.arange(len(labels), device=labels.device)
        most = int(torch.unique(labels, return_counts=True)[1].max()) if len(labels) else 0
        pairs, semi_hard = [], []
        for rows in row_blocks(all_rows(embeddings, anchors), len(vectors) * most):
            distances = squared_distances(vectors, rows)
            same = labels[rows, None] == labels
            place, positives = (same & (rows[:, None] != columns)).nonzero(as_tuple=True)
            nearest = distances[place, positives][:, None]
            farther = distances.masked_fill_(same, torch.inf)[place]  # no positive lies within a margin
            semi_hard.append((farther > nearest) & (farther < nearest + self.margin))
            pairs.append(torch.stack([rows[place], positives]))
        anchors, positives = torch.cat(pairs, dim=1)
        each = RowSets(positives[:, None], torch.ones_like(positives[:, None], dtype=torch.bool))
        return TripletSets(anchors, each, RowSets.within(torch.cat(semi_hard)))

    def easier(self) -> Everything:
        """Return the miner of all negatives: others would choose nearer ones."""
        return Everything()
