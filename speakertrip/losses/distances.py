"""Mean squared distances of anchors to their sets, in the three forms that sets come in."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from speakertrip.losses.sums import mean_distances, number_speakers
from speakertrip.miners import RowSets, TripletSets
from speakertrip.miners.distances import as_float, centred

WIDE = 16  # sets of more than a sixteenth of the batch are summed by a matrix product, then faster
ROOM = 16  # squared norms may be so many times a mean distance before float32 loses its fifth digit


@dataclass(frozen=True, slots=True)
class AnchorDistances:
    """The two means that the loss compares, for each anchor that has both.

    Attributes:
        to_positives: ``(anchors,)``, mean squared distance to the positives.
        to_negatives: ``(anchors,)``, mean squared distance to the negatives.
    """

    to_positives: Tensor
    to_negatives: Tensor

    def of(self, anchors: Tensor) -> "AnchorDistances":
        """Keep those that a bool ``(anchors,)`` marks."""
        if anchors.all():
            return self
        return AnchorDistances(self.to_positives[anchors], self.to_negatives[anchors])


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


def distances_to_sets(vectors: Tensor, anchors: Tensor, sets: RowSets) -> tuple[Tensor, Tensor]:
    """Mean squared distance of each anchor to its set.

    Args:
        vectors: ``(rows, dim)``, centred.
        anchors: long ``(anchors,)``, rows.
        sets: of rows.

    Returns:
        The distances, and bool: is there a set? ``(anchors,)`` each; the distance to an empty set means nothing.
    """
    norms = vectors.square().sum(dim=1)
    marks = sets.mask.to(vectors.dtype)
    counts = marks.sum(dim=1)
    if sets.packed and 0 < sets.indices.shape[1] * WIDE < len(vectors):
        # embedding_bag sums the rows of each set without an (anchors, most, dim) tensor.
        sums = functional.embedding_bag(sets.indices, vectors, per_sample_weights=marks, mode="sum")
        squares = (marks * norms[sets.indices]).sum(dim=1)
    else:
        if sets.packed:
            marks = marks.new_zeros(len(marks), len(vectors)).scatter_add_(1, sets.indices, marks)
        sums, squares = marks @ vectors, marks @ norms
    to_sums = 2 * (vectors[anchors] * sums).sum(dim=1)
    return norms[anchors] + (squares - to_sums) / counts.clamp_min(1), counts > 0


def distances_to_points(anchors: Tensor, points: Tensor, mask: Tensor) -> Tensor:
    """Mean squared distance of each anchor ``(anchors, dim)`` to its points ``(anchors, most, dim)``.

    Places where the mask ``(anchors, most)`` is False do not count, whatever they hold; 0 where none counts.
    """
    differences = torch.where(mask[..., None], points - anchors[:, None], 0.0)
    return differences.square().sum(dim=(1, 2)) / mask.sum(dim=1).clamp_min(1)


def distances_of_sets(
    embeddings: Tensor, labels: Tensor, of_batch: AnchorDistances, has_both: Tensor, sets: TripletSets
) -> tuple[AnchorDistances, Tensor]:
    """Mean squared distances for mined sets; those of a side that is not mined are taken from the whole batch.

    Args:
        embeddings: ``(rows, dim)``, float32 or float64.
        labels: long ``(rows,)``.
        of_batch: what ``distances_of_batch`` returned.
        has_both: what it returned beside them.
        sets: of rows.

    Returns:
        As ``distances_of_batch``, for each of the anchors of the sets.
    """
    vectors = centred(embeddings)
    means, both = _of_sets(vectors, of_batch, has_both, sets)
    has_double = embeddings.device.type != "mps"
    if embeddings.dtype == torch.float32 and has_double and _loses_digits(vectors, means, both):
        exact = embeddings.double()
        means, both = _of_sets(exact, distances_of_batch(exact, labels, across=False)[0], has_both, sets)
        means = AnchorDistances(means.to_positives.float(), means.to_negatives.float())
    return means, both


def _of_sets(
    vectors: Tensor, of_batch: AnchorDistances, has_both: Tensor, sets: TripletSets
) -> tuple[AnchorDistances, Tensor]:
    rows = sets.anchors
    has_both = has_both[rows]
    to_positives, to_negatives = of_batch.to_positives[rows], of_batch.to_negatives[rows]
    if sets.positives is not None:
        distances, filled = distances_to_sets(vectors, rows, sets.positives)
        to_positives, has_both = distances.to(to_positives), has_both & filled
    if sets.negatives is not None:
        distances, filled = distances_to_sets(vectors, rows, sets.negatives)
        to_negatives, has_both = distances.to(to_negatives), has_both & filled
    return AnchorDistances(to_positives, to_negatives), has_both


def _loses_digits(vectors: Tensor, means: AnchorDistances, counted: Tensor) -> bool:
    """Are squared norms so much larger than the distances that rounding would show in the fifth digit?

    Mined sets are near their anchors, and both may lie far from the centre of the batch.
    """
    larger = torch.maximum(means.to_positives, means.to_negatives)[counted]
    return bool((larger < vectors.detach().square().sum(dim=1).max() / ROOM).any())
