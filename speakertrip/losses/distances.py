"""Mean squared distances of anchors to sets of rows, or to points."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from speakertrip.losses.pairs import band_distances, pair_distances
from speakertrip.losses.sums import have_both, mean_distances
from speakertrip.miners import BandSets, RowSets, SpeakerSets, TripletSets
from speakertrip.miners.distances import ROOM, centred
from speakertrip.miners.sets import AnySets

WIDE = 16  # sets of more than a sixteenth of the batch are summed by a matrix product, then faster


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


def distances_to_sets(vectors: Tensor, anchors: Tensor, sets: AnySets) -> tuple[Tensor, Tensor]:
    """Mean squared distance of each anchor to its set.

    Args:
        vectors: ``(rows, dim)``, centred.
        anchors: long ``(anchors,)``, rows.
        sets: of rows.

    Returns:
        The distances, and bool: is there a set? ``(anchors,)`` each; the distance to an empty set means nothing.
    """
    if isinstance(sets, BandSets):
        distances, counts = band_distances(vectors, sets)
        return distances, counts > 0
    if isinstance(sets, RowSets) and sets.indices.shape[1] == 1:
        return pair_distances(vectors, anchors, sets.indices[:, 0]), sets.mask[:, 0]
    norms = vectors.square().sum(dim=1)
    if isinstance(sets, SpeakerSets):
        counts, sums, squares = _sums_of_speakers(vectors, norms, sets)
    else:
        counts, sums, squares = _sums_of_rows(vectors, norms, sets)
    to_sums = 2 * (vectors[anchors] * sums).sum(dim=1)
    return norms[anchors] + (squares - to_sums) / counts.clamp_min(1), counts > 0


def _sums_of_rows(vectors: Tensor, norms: Tensor, sets: RowSets) -> tuple[Tensor, Tensor, Tensor]:
    """Return the rows of each set, and the sums over them of vectors and norms."""
    marks = sets.mask.to(vectors.dtype)
    counts = marks.sum(dim=1)
    if 0 < sets.indices.shape[1] * WIDE < len(vectors):
        # embedding_bag sums the rows of each set without an (anchors, most, dim) tensor.
        sums = functional.embedding_bag(sets.indices, vectors, per_sample_weights=marks, mode="sum")
        return counts, sums, (marks * norms[sets.indices]).sum(dim=1)
    marks = marks.new_zeros(len(marks), len(vectors)).scatter_add_(1, sets.indices, marks)
    return counts, marks @ vectors, marks @ norms


def _sums_of_speakers(vectors: Tensor, norms: Tensor, sets: SpeakerSets) -> tuple[Tensor, Tensor, Tensor]:
    speakers = len(sets.counts)
    sums = vectors.new_zeros(speakers, vectors.shape[1]).index_add(0, sets.speaker, vectors)
    squares = norms.new_zeros(speakers).index_add(0, sets.speaker, norms)
    if not sets.chosen.shape[1]:
        return norms.new_zeros(len(sets.chosen)), 0 * sums[:1].expand(len(sets.chosen), -1), squares[:1]
    counts = sets.counts[sets.chosen].sum(dim=1)
    bags = functional.embedding_bag(sets.chosen, sums, mode="sum")
    return counts, bags, squares[sets.chosen].sum(dim=1)


def distances_to_points(anchors: Tensor, points: Tensor, mask: Tensor) -> Tensor:
    """Mean squared distance of each anchor ``(anchors, dim)`` to its points ``(anchors, most, dim)``.

    Places where the mask ``(anchors, most)`` is False do not count, whatever they hold; 0 where none counts.
    """
    differences = torch.where(mask[..., None], points - anchors[:, None], 0.0)
    return differences.square().sum(dim=(1, 2)) / mask.sum(dim=1).clamp_min(1)


def distances_of_sets(
    embeddings: Tensor, row: Tensor, counts: Tensor, sets: TripletSets
) -> tuple[AnchorDistances, Tensor]:
    """Mean squared distances for mined sets; those of a side that is not mined are of the whole batch.

    Args:
        embeddings: ``(rows, dim)``, float32 or float64.
        row: long ``(rows,)``, the speaker of each.
        counts: long ``(speakers,)``, the rows of each speaker.
        sets: of rows.

    Returns:
        The distances of each of the anchors of the sets, and bool ``(anchors,)``: has it a positive and a negative?
        The distances of other anchors mean nothing.
    """
    vectors = centred(embeddings)
    means, both = _of_sets(vectors, row, counts, sets)
    has_double = embeddings.device.type != "mps"
    if embeddings.dtype == torch.float32 and has_double and _loses_digits(vectors, means, both):
        means, both = _of_sets(centred(embeddings.double()), row, counts, sets)
        means = AnchorDistances(means.to_positives.float(), means.to_negatives.float())
    return means, both


def _of_sets(
    vectors: Tensor, row: Tensor, counts: Tensor, sets: TripletSets
) -> tuple[AnchorDistances, Tensor]:
    rows = sets.anchors
    has_both = have_both(row, counts)[rows]
    if sets.positives is None or sets.negatives is None:
        of_batch = mean_distances(vectors, row, counts, across=False)
    means = []
    for number, side in enumerate((sets.positives, sets.negatives)):
        if side is None:
            means.append(of_batch[number][rows])
        else:
            distances, filled = distances_to_sets(vectors, rows, side)
            means.append(distances)
            has_both = has_both & filled
    return AnchorDistances(*means), has_both


def _loses_digits(vectors: Tensor, means: AnchorDistances, counted: Tensor) -> bool:
    """Are squared norms so much larger than the distances that rounding would show in the fifth digit?

    Mined sets are near their anchors, and both may lie far from the centre of the batch.
    """
    larger = torch.maximum(means.to_positives, means.to_negatives)[counted]
    return bool((larger < vectors.detach().square().sum(dim=1).max() / ROOM).any())
