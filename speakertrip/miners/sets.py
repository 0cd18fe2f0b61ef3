"""What a miner returns: for each anchor the rows that it is compared with."""

from dataclasses import dataclass
from typing import Protocol, TypeAlias

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class RowSets:
    """A set of rows of the batch for each anchor, sets of any size side by side.

    Attributes:
        indices: long ``(anchors, most)``, rows of the batch; any valid row where the mask is False.
        mask: bool ``(anchors, most)``; False marks a place that an anchor's set does not fill.

    Example:
        Sets of one's own, here of the negatives that were recorded in the anchor's language:

        >>> labels, language = torch.tensor([0, 0, 1, 2]), torch.tensor([0, 0, 0, 1])
        >>> chosen = (labels[:, None] != labels) & (language[:, None] == language)
        >>> sets = RowSets(torch.arange(4).expand(4, 4), chosen)
        >>> [row[kept].tolist() for row, kept in zip(sets.indices, sets.mask)]
        [[2], [2], [0, 1], []]
    """

    indices: Tensor
    mask: Tensor

    def as_rows(self) -> "RowSets":
        """Return the sets themselves."""
        return self


@dataclass(frozen=True, slots=True)
class SpeakerSets:
    """All rows of some speakers for each anchor; the rows of a speaker are kept once, for all anchors.

    Attributes:
        speaker: long ``(batch,)``, the speaker of each row, from 0.
        counts: long ``(speakers,)``, the rows of each.
        chosen: long ``(anchors, k)``, speakers.
    """

    speaker: Tensor
    counts: Tensor
    chosen: Tensor

    def as_rows(self) -> RowSets:
        """Write out the rows of each set, ``(anchors, k x rows of the largest speaker)``: much, where one has many."""
        order = self.speaker.argsort(stable=True)
        first = self.counts.cumsum(0) - self.counts
        place = torch.arange(int(self.counts.max()), device=order.device)
        there = place < self.counts[self.chosen][..., None]
        indices = order[(first[self.chosen][..., None] + place).clamp_max(len(order) - 1)]
        return RowSets(indices.flatten(1), there.flatten(1))


@dataclass(frozen=True, slots=True)
class BandSets:
    """Rows within ranges of distance: the rows are sorted into bands about each anchor, and a set is a run of bands.

    So an anchor with many sets takes one row of a matrix, and not one for each set.

    Attributes:
        anchors: long ``(anchors,)``, rows of the batch, each once.
        bands: whole numbers ``(anchors, batch)``, the band of each row about each anchor, from 0.
        anchor: long ``(sets,)``, whose set it is, a place in ``anchors``.
        first: long ``(sets,)``, the first band of the set.
        last: long ``(sets,)``, the last band of the set, ``first - 1`` for an empty one.
    """

    anchors: Tensor
    bands: Tensor
    anchor: Tensor
    first: Tensor
    last: Tensor

    def as_rows(self) -> RowSets:
        """Write out the rows of each set, ``(sets, batch)``: much, where few speakers have many utterances each."""
        bands = self.bands[self.anchor]
        inside = (bands >= self.first[:, None]) & (bands <= self.last[:, None])
        return RowSets(torch.arange(bands.shape[1], device=bands.device).expand(bands.shape), inside)


AnySets: TypeAlias = RowSets | SpeakerSets | BandSets


@dataclass(frozen=True, slots=True)
class TripletSets:
    """Who is compared with whom; a loss has one term for each anchor.

    Attributes:
        anchors: long ``(anchors,)``, rows of the batch; a row may occur again with other sets.
        positives: utterances of the anchor's speaker, never the anchor itself; None: all of them.
        negatives: utterances of other speakers; None: all of them.
    """

    anchors: Tensor
    positives: AnySets | None = None
    negatives: AnySets | None = None


class Miner(Protocol):
    """Chooses sets from a batch; knows no loss, and leaves no trace in the graph.

    Shape:
        - embeddings: ``(batch, dim)``, as the loss will see them: raw or of unit length
        - labels: long ``(batch,)``, any values
        - anchors: long ``(anchors,)``, the rows that get sets, from candidates in the whole batch; None: all rows.
          Rows that are candidates only are past embeddings (``EmbeddingMemory``) or those of other processes.

    Raises:
        ValueError: shapes do not fit, the batch is empty, or the anchors are no rows of it.
    """

    def __call__(self, embeddings: Tensor, labels: Tensor, anchors: Tensor | None = None) -> TripletSets:
        """Mine a batch."""
        ...

    def easier(self) -> "Miner | None":
        """Return a miner of easier negatives, for a training that collapses; None where there is none."""
        ...
