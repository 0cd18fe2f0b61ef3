"""Miners of hard negatives: the hardest share, the hardest speakers, the hardest pair."""

import torch
from torch import Tensor

from speakertrip.miners.batch import anchors_of, count_speakers
from speakertrip.miners.distances import rank_in_blocks
from speakertrip.miners.everything import Everything
from speakertrip.miners.sets import RowSets, SpeakerSets, TripletSets


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
        anchors = anchors_of(embeddings, labels, anchors)
        speaker, counts = count_speakers(labels)
        # At least one wherever there is one; a hair less than the product, for rounding must not add one.
        wanted = torch.ceil((1 - 1e-6) * self.share * (len(labels) - counts)).long()[speaker[anchors]]
        most = int(wanted.max()) if len(wanted) else 0
        indices = anchors.new_empty(len(anchors), most)

        def choose(places: Tensor, rows: Tensor, distances: Tensor) -> Tensor:
            distances.masked_fill_(speaker[rows, None] == speaker, torch.inf)
            nearest = distances.topk(most, dim=1, largest=False)
            indices[places] = nearest.indices
            if not most:
                return distances[:, 0]  # infinite: there are no negatives
            return nearest.values.gather(1, (wanted[places, None] - 1).clamp_min(0))[:, 0]

        rank_in_blocks(embeddings, anchors, choose)
        mask = torch.arange(most, device=anchors.device) < wanted[:, None]
        return TripletSets(anchors, negatives=RowSets(indices, mask))

    def easier(self) -> "HardestShare | None":
        """Return the miner of twice the share; None where it is everybody."""
        return HardestShare(min(1.0, 2 * self.share)) if self.share < 1 else None


class HardestSpeakers:
    """For each anchor all positives, and all utterances of the k speakers that are nearest on average.

    A speaker's distance is the mean squared Euclidean distance of the anchor to its utterances, from sums per
    speaker: no batch x batch matrix is made, and the sets name speakers.

    Args:
        k: speakers, at least 1; where a batch has fewer others, all of them.

    Raises:
        ValueError: k is below 1.

    Example:
        >>> embeddings, labels = torch.tensor([[0.0], [0.1], [1.0], [5.0], [9.0]]), torch.tensor([0, 0, 1, 1, 2])
        >>> sets = HardestSpeakers(1)(embeddings, labels).negatives
        >>> sets.chosen.tolist(), sets.as_rows().indices[0].tolist()
        ([[1], [1], [0], [2], [1]], [2, 3])
    """

    def __init__(self, k: int) -> None:
        if k < 1:
            raise ValueError(f"k must be at least 1, not {k}")
        self.k = k

    @torch.no_grad()
    def __call__(self, embeddings: Tensor, labels: Tensor, anchors: Tensor | None = None) -> TripletSets:
        """See ``Miner``."""
        anchors = anchors_of(embeddings, labels, anchors)
        speaker, counts = count_speakers(labels)
        most = min(self.k, len(counts) - 1)
        chosen = anchors.new_empty(len(anchors), most)

        def means_and_spreads(vectors: Tensor) -> tuple[Tensor, Tensor]:
            means = vectors.new_zeros(len(counts), vectors.shape[1]).index_add_(0, speaker, vectors)
            squares = vectors.new_zeros(len(counts)).index_add_(0, speaker, vectors.square().sum(dim=1))
            means /= counts[:, None]
            return means, squares / counts - means.square().sum(dim=1)

        def choose(places: Tensor, rows: Tensor, distances: Tensor) -> Tensor:
            distances.scatter_(1, speaker[rows, None], torch.inf)  # never the anchor's own
            nearest = distances.topk(most, dim=1, largest=False)
            chosen[places] = nearest.indices
            return nearest.values[:, -1] if most else distances[:, 0]

        rank_in_blocks(embeddings, anchors, choose, means_and_spreads)
        return TripletSets(anchors, negatives=SpeakerSets(speaker, counts, chosen))

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
        anchors = anchors_of(embeddings, labels, anchors)
        farthest, nearest = (
            RowSets(torch.empty_like(anchors[:, None]), torch.empty_like(anchors[:, None], dtype=torch.bool))
            for _ in range(2)
        )

        def choose(places: Tensor, rows: Tensor, distances: Tensor) -> Tensor:
            same = labels[rows, None] == labels
            negative = distances.masked_fill(same, torch.inf).min(dim=1)
            distances.masked_fill_(same.logical_not_(), -torch.inf)
            positive = distances.scatter_(1, rows[:, None], -torch.inf).max(dim=1)
            # By not being the filler: what is not a number stays in, so that the loss says so.
            for sets, best, filler in ((farthest, positive, -torch.inf), (nearest, negative, torch.inf)):
                sets.indices[places, 0] = best.indices
                sets.mask[places, 0] = best.values != filler
            return torch.maximum(positive.values, negative.values)

        rank_in_blocks(embeddings, anchors, choose)
        return TripletSets(anchors, farthest, nearest)

    def easier(self) -> HardestShare:
        """Return the miner of the hardest twentieth, with all positives."""
        return HardestShare(0.05)
