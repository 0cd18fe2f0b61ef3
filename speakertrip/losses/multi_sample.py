"""The multi-sample triplet loss, linear in the batch."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from speakertrip.miners import NegativeSets


@dataclass(frozen=True, slots=True)
class AnchorDistances:
    """The two means that the loss compares, for each anchor that has both.

    Attributes:
        to_positives: ``(anchors,)``, mean squared distance to the other utterances of the speaker.
        to_negatives: ``(anchors,)``, mean squared distance to the negatives.
    """

    to_positives: Tensor
    to_negatives: Tensor


class MultiSampleTripletLoss(nn.Module):
    """Each anchor against the mean over its speaker's other utterances and the mean over others' utterances.

    ``L = (1/A) Σ_i max(0, mean_{p∈P(i)} d²(i,p) − mean_{n∈N(i)} d²(i,n) + margin)`` with d² the squared
    Euclidean distance, P(i) the other utterances of the anchor's speaker, N(i) utterances of other speakers,
    and A the number of anchors that have both. The anchor is never its own positive.

    The mean squared distance from x to a set S is ``‖x‖² − 2 x·mean(S) + mean(‖s‖²)``, so sums per speaker
    suffice: time and memory grow with batch x dim, and no batch x batch matrix is made. With mined negatives
    the positives are still exact and the negatives are those of the sets.

    Args:
        margin: positive, in squared distance; embeddings of unit length have d² in [0, 4].

    Shape:
        - embeddings: ``(batch, dim)``, as the caller wants them: raw or of unit length
        - labels: long ``(batch,)``, any values
        - negatives: optional sets, one per row of the batch
        - output: scalar, float32; zero with a zero gradient where no anchor violates the margin

    Raises:
        ValueError: the margin is not positive, shapes do not fit, or no anchor has a positive and a negative.

    Example:
        >>> embeddings = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
        >>> MultiSampleTripletLoss(margin=0.6)(embeddings, torch.tensor([0, 0, 1, 1]))
        tensor(0.1000)
    """

    def __init__(self, margin: float) -> None:
        super().__init__()
        if not margin > 0:
            raise ValueError(f"margin must be positive, not {margin}")
        self.margin = margin

    def forward(self, embeddings: Tensor, labels: Tensor, negatives: NegativeSets | None = None) -> Tensor:
        """Compute the mean over the anchors that have a positive and a negative."""
        return self.hinge(self.distances(embeddings, labels, negatives)).mean()

    def hinge(self, distances: AnchorDistances) -> Tensor:
        """Return by how much each anchor violates the margin, ``(anchors,)``; an anchor above zero is active."""
        return (distances.to_positives - distances.to_negatives + self.margin).clamp_min(0)

    def distances(
        self, embeddings: Tensor, labels: Tensor, negatives: NegativeSets | None = None
    ) -> AnchorDistances:
        """Return the two means of each anchor that has both; the loss is the mean of their ``hinge``."""
        if embeddings.ndim != 2 or labels.shape != embeddings.shape[:1]:
            raise ValueError(
                "embeddings must be (batch, dim) and labels (batch,), not "
                f"{tuple(embeddings.shape)} and {tuple(labels.shape)}"
            )
        with torch.autocast(embeddings.device.type, enabled=False):
            # Distances do not change when all points move, but far from the origin float32 loses them.
            vectors = embeddings.float() - embeddings.detach().float().mean(dim=0)
            sums = _SpeakerSums(vectors, labels)
            to_positives = sums.mean_distance_to_positives()
            to_negatives, has_negative = (
                (sums.mean_distance_to_others(), sums.others > 0)
                if negatives is None
                else (_mean_distance_to_sets(vectors, negatives), negatives.mask.any(dim=1))
            )
        anchors = (sums.positives > 0) & has_negative
        if not anchors.any():
            raise ValueError(
                "no anchor has both a positive and a negative: a batch needs two speakers, and a speaker with "
                f"two utterances (this one has {len(labels)} rows of {len(sums.speakers)} speakers)"
            )
        return AnchorDistances(to_positives[anchors], to_negatives[anchors])


class _SpeakerSums:
    """Sums over each speaker's utterances and over the batch, and the mean distances that they give."""

    def __init__(self, vectors: Tensor, labels: Tensor) -> None:
        self.vectors = vectors
        self.squares = vectors.square().sum(dim=1)
        self.speakers, self.row, counts = torch.unique(labels, return_inverse=True, return_counts=True)
        self.sum_of = vectors.new_zeros(len(counts), vectors.shape[1]).index_add(0, self.row, vectors)
        self.square_of = vectors.new_zeros(len(counts)).index_add(0, self.row, self.squares)
        self.positives = counts[self.row] - 1  # the anchor is not its own positive
        self.others = len(labels) - counts[self.row]

    def mean_distance_to_positives(self) -> Tensor:
        sums = self.sum_of[self.row] - self.vectors
        squares = self.square_of[self.row] - self.squares
        return self._mean_distance(sums, squares, self.positives)

    def mean_distance_to_others(self) -> Tensor:
        sums = self.vectors.sum(dim=0) - self.sum_of[self.row]
        squares = self.squares.sum() - self.square_of[self.row]
        return self._mean_distance(sums, squares, self.others)

    def _mean_distance(self, sums: Tensor, squares: Tensor, counts: Tensor) -> Tensor:
        counts = counts.clamp_min(1)  # rows without a set are dropped by the caller
        return self.squares - 2 * (self.vectors * sums).sum(dim=1) / counts + squares / counts


def _mean_distance_to_sets(vectors: Tensor, sets: NegativeSets) -> Tensor:
    """Mean squared distance of each row to its set, 0 where the set is empty."""
    if sets.indices.shape[0] != vectors.shape[0] or sets.indices.shape != sets.mask.shape:
        raise ValueError("negatives must hold one set per row of the batch")
    counts = sets.mask.sum(dim=1).clamp_min(1)
    weights = sets.mask.to(vectors.dtype) / counts[:, None]
    # embedding_bag sums the rows of each set without a (batch, negatives, dim) tensor.
    means = functional.embedding_bag(sets.indices, vectors, per_sample_weights=weights, mode="sum")
    squares = vectors.square().sum(dim=1)
    return squares - 2 * (vectors * means).sum(dim=1) + (weights * squares[sets.indices]).sum(dim=1)
