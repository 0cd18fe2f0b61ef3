"""Miners of hard negatives: the hardest share, the hardest speakers, the hardest pair."""

import torch
from torch import Tensor

from speakertrip.miners.distances import all_rows, centred, row_blocks, squared_distances
from speakertrip.miners.everything import Everything
from speakertrip.miners.sets import RowSets, TripletSets


class HardestShare:
    """For each anchor all positives, and the nearest share q of its negatives (at least one).

    An average over the hardest few percent keeps the hinge alive late in training, where the average over all
    negatives has left it, and one wrong label among them does not decide the step, as it does for the single
    hardest. Hardness is the squared Euclidean distance of the embeddings as they are given.

    Args:
        share: in (0, 1].

    Raises:
        ValueError: the share is out of range.

    Example:
        >>> embeddings = torch.tensor([[0.0], [0.1], [1.0], [5.0]])
        >>> HardestShare(0.5)(embeddings, torch.tensor([0, 0, 1, 1])).negatives.indices.tolist()
        [[2], [2], [1], [1]]
    """

    def __init__(self, share: float) -> None:
        if not 0 < share <= 1:
            raise ValueError(f"share must lie in (0, 1], not {share}")
        self.share = share

    @torch.no_grad()
    def __call__(self, embeddings: Tensor, labels: Tensor, anchors: Tensor | None = None) -> TripletSets:
        """See ``Miner``."""
        anchors = all_rows(embeddings, anchors)
        vectors = centred(embeddings)
        blocks = [
            self._nearest(squared_distances(vectors, rows), labels[rows, None] != labels)
            for rows in row_blocks(anchors, len(vectors))
        ]
        return TripletSets(anchors, negatives=RowSets.join(blocks))

    def _nearest(self, distances: Tensor, negative: Tensor) -> RowSets:
        # At least one wherever there is one; a hair less than the product, for rounding must not add one.
        wanted = torch.ceil((1 - 1e-6) * self.share * negative.sum(dim=1)).long()
        most = int(wanted.max()) if len(wanted) else 0
        nearest = distances.masked_fill_(~negative, torch.inf).topk(most, dim=1, largest=False)
        return RowSets(nearest.indices, torch.arange(most, device=distances.device) < wanted[:, None])

    def easier(self) -> "HardestShare | None":
        """Return the miner of twice the share; None where it is everybody."""
        return HardestShare(min(1.0, 2 * self.share)) if self.share < 1 else None


class HardestSpeakers:
    """For each anchor all positives, and all utterances of the k speakers that are nearest on average.

    A speaker's distance is the mean squared Euclidean distance of the anchor to its utterances, from sums per
    speaker: no batch x batch matrix is made. The sets take anchors x k x the utterances of the largest speaker.

    Args:
        k: speakers, at least 1; where a batch has fewer others, all of them.

    Raises:
        ValueError: k is below 1.

    Example:
        >>> embeddings, labels = torch.tensor([[0.0], [0.1], [1.0], [5.0], [9.0]]), torch.tensor([0, 0, 1, 1, 2])
        >>> HardestSpeakers(1)(embeddings, labels).negatives.indices[0].tolist()
        [2, 3]
    """

    def __init__(self, k: int) -> None:
        if k < 1:
            raise ValueError(f"k must be at least 1, not {k}")
        self.k = k

    @torch.no_grad()
    def __call__(self, embeddings: Tensor, labels: Tensor, anchors: Tensor | None = None) -> TripletSets:
        """See ``Miner``."""
        anchors = all_rows(embeddings, anchors)
        vectors = centred(embeddings)
        speakers, row, counts = torch.unique(labels, return_inverse=True, return_counts=True)
        means = (
            vectors.new_zeros(len(speakers), vectors.shape[1]).index_add_(0, row, vectors) / counts[:, None]
        )
        squares = vectors.square().sum(dim=1)
        spreads = vectors.new_zeros(len(speakers)).index_add_(0, row, squares) / counts - means.square().sum(
            dim=1
        )
        most = min(self.k, len(speakers) - 1)
        nearest = []
        for rows in row_blocks(anchors, len(speakers)):
            distances = squared_distances(vectors, rows, means) + spreads
            distances.scatter_(1, row[rows, None], torch.inf)  # never the anchor's own
            nearest.append(distances.topk(most, dim=1, largest=False).indices)
        return TripletSets(anchors, negatives=_utterances_of(torch.cat(nearest), row, counts))

    def easier(self) -> "HardestSpeakers | Everything":
        """Return the miner of twice as many speakers, and beyond a thousand of all."""
        return HardestSpeakers(2 * self.k) if self.k < 1_000 else Everything()


class BatchHard:
    """For each anchor its farthest positive and its nearest negative.

    Hermans, Beyer, Leibe: In defense of the triplet loss for person re-identification, 2017. The hardest of the
    known miners: from random weights it tends to collapse, and wrong labels mislead it most.

    Example:
        >>> sets = BatchHard()(torch.tensor([[0.0], [0.1], [1.0], [5.0]]), torch.tensor([0, 0, 1, 1]))
        >>> sets.positives.indices.tolist(), sets.negatives.indices.tolist()
        ([[1], [0], [3], [2]], [[2], [2], [1], [1]])
    """

    @torch.no_grad()
    def __call__(self, embeddings: Tensor, labels: Tensor, anchors: Tensor | None = None) -> TripletSets:
        """See ``Miner``."""
        anchors = all_rows(embeddings, anchors)
        vectors = centred(embeddings)
        columns = torch.arange(len(vectors), device=vectors.device)
        positives, negatives = [], []
        for rows in row_blocks(anchors, len(vectors)):
            distances = squared_distances(vectors, rows)
            same = labels[rows, None] == labels
            farthest = distances.masked_fill(~same | (columns == rows[:, None]), -torch.inf).max(
                dim=1, keepdim=True
            )
            nearest = distances.masked_fill_(same, torch.inf).min(dim=1, keepdim=True)
            # By not being the filler: what is not a number stays in, so that the loss says so.
            positives.append(RowSets(farthest.indices, farthest.values != -torch.inf))
            negatives.append(RowSets(nearest.indices, nearest.values != torch.inf))
        return TripletSets(anchors, RowSets.join(positives), RowSets.join(negatives))

    def easier(self) -> HardestShare:
        """Return the miner of the hardest twentieth, with all positives."""
        return HardestShare(0.05)


def _utterances_of(chosen: Tensor, row: Tensor, counts: Tensor) -> RowSets:
    """Turn speakers ``(anchors, k)`` into their utterances; ``row`` is the speaker of each row of the batch."""
    order = row.argsort(stable=True)
    first = counts.cumsum(0) - counts
    place = torch.arange(int(counts.max()), device=row.device)
    there = place < counts[chosen][..., None]
    indices = order[(first[chosen][..., None] + place).clamp_max(len(row) - 1)]
    return RowSets(indices.flatten(1), there.flatten(1))
