"""Mean squared distances of anchors to their sets, in the three forms that sets come in."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from speakertrip.losses.sums import mean_distances, number_speakers
from speakertrip.miners import RowSets, TripletSets
from speakertrip.miners.distances import as_float, centred

WIDE = 16  # sets of more than a sixteenth of the batch are summed by a matrix product, which is then faster


@dataclass(frozen=True, slots=True)
class AnchorDistances:
    """The two means that the loss compares, for each anchor that has both.

    Attributes:
        to_positives: ``(anchors,)``, mean squared distance to the positives.
        to_negatives: ``(anchors,)``, mean squared distance to the negatives.
    """

    to_positives: Tensor
    to_negatives: Tensor


def distances_of_batch(embeddings: Tensor, labels: Tensor, across: bool) -> tuple[AnchorDistances, Tensor]:
    """Mean squared distances to all positives and all negatives, exact and linear in the batch.

    Args:
        embeddings: ``(rows, dim)``.
        labels: long ``(rows,)``.
        across: positives and negatives are those of all processes.

    Returns:
        The distances of every row, and bool ``(rows,)``: has the row a positive and a negative? The distances of
        other rows mean nothing.
    """
    row, speakers = number_speakers(labels, across)
    to_positives, to_negatives, has_both = mean_distances(as_float(embeddings), row, speakers, across)
    return AnchorDistances(to_positives, to_negatives), has_both


def distances_to_sets(vectors: Tensor, anchors: Tensor, sets: RowSets) -> Tensor:
    """Mean squared distance of each anchor to its set, 0 where the set is empty.

    Mined sets are near their anchors, however far from the origin both lie, so that the squares are subtracted in
    float64 (not on devices that have none).

    Args:
        vectors: ``(rows, dim)``.
        anchors: long ``(anchors,)``, rows.
        sets: of rows.

    Returns:
        ``(anchors,)``, of the type of the vectors.
    """
    exact = centred(vectors) if vectors.device.type == "mps" else vectors.double()
    weights = sets.mask.to(exact.dtype) / sets.mask.sum(dim=1, keepdim=True).clamp_min(1)
    norms = exact.square().sum(dim=1)
    own = (exact[anchors] * _weighted_rows(exact, sets.indices, weights)).sum(dim=1)
    spread = (weights * norms[sets.indices]).sum(dim=1)
    return (weights.sum(dim=1) * norms[anchors] - 2 * own + spread).to(vectors.dtype)


def distances_to_points(anchors: Tensor, points: Tensor, mask: Tensor) -> Tensor:
    """Mean squared distance of each anchor ``(anchors, dim)`` to its points ``(anchors, most, dim)``.

    Places where the mask ``(anchors, most)`` is False do not count, whatever they hold; 0 where none counts.
    """
    differences = torch.where(mask[..., None], points - anchors[:, None], 0.0)
    return differences.square().sum(dim=(1, 2)) / mask.sum(dim=1).clamp_min(1)


def distances_of_sets(
    vectors: Tensor, of_batch: AnchorDistances, has_both: Tensor, sets: TripletSets
) -> tuple[AnchorDistances, Tensor]:
    """Mean squared distances for mined sets; those of a side that is not mined are taken from the whole batch.

    Args:
        vectors: ``(rows, dim)``.
        of_batch: what ``distances_of_batch`` returned.
        has_both: what it returned beside them.
        sets: of rows.

    Returns:
        As ``distances_of_batch``, for each of the anchors of the sets.
    """
    rows = sets.anchors
    to_positives, to_negatives, has_both = (
        of_batch.to_positives[rows],
        of_batch.to_negatives[rows],
        has_both[rows],
    )
    if sets.positives is not None:
        to_positives = distances_to_sets(vectors, rows, sets.positives)
        has_both = has_both & sets.positives.mask.any(dim=1)
    if sets.negatives is not None:
        to_negatives = distances_to_sets(vectors, rows, sets.negatives)
        has_both = has_both & sets.negatives.mask.any(dim=1)
    return AnchorDistances(to_positives, to_negatives), has_both


def _weighted_rows(vectors: Tensor, indices: Tensor, weights: Tensor) -> Tensor:
    """Weighted sum of the rows of each set, ``(anchors, dim)``, without an (anchors, most, dim) tensor."""
    if 0 < indices.shape[1] * WIDE < len(vectors):
        return functional.embedding_bag(indices, vectors, per_sample_weights=weights, mode="sum")
    dense = vectors.new_zeros(len(indices), len(vectors)).scatter_add_(1, indices, weights)
    return dense @ vectors
