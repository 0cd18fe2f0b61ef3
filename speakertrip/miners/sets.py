"""What a miner returns: for each anchor the rows that it is compared with."""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class RowSets:
    """A set of rows of the batch for each anchor, sets of any size side by side.

    Attributes:
        indices: long ``(anchors, most)``, rows of the batch; any valid row where the mask is False.
        mask: bool ``(anchors, most)``; False marks a place that an anchor's set does not fill.
        packed: False where the mask is ``(anchors, batch)`` and place n is row n of the batch.
    """

    indices: Tensor
    mask: Tensor
    packed: bool = True

    @classmethod
    def of(cls, chosen: Tensor) -> "RowSets":
        """Take the sets that a bool matrix ``(anchors, rows)`` marks, packed to the left.

        >>> RowSets.of(torch.tensor([[True, False, True], [False, True, False]])).indices.tolist()
        [[0, 2], [1, 0]]
        """
        counts = chosen.sum(dim=1)
        most = int(counts.max()) if len(counts) else 0
        mask = torch.arange(most, device=chosen.device) < counts[:, None]
        indices = torch.zeros(mask.shape, dtype=torch.long, device=chosen.device)
        indices[mask] = chosen.nonzero()[:, 1]  # row after row, as the mask is filled
        return cls(indices, mask)

    @classmethod
    def within(cls, chosen: Tensor) -> "RowSets":
        """Take the sets that a bool matrix ``(anchors, rows)`` marks, as it is: for sets of a good part of the batch.

        >>> RowSets.within(torch.tensor([[True, False, True]])).indices.tolist()
        [[0, 1, 2]]
        """
        return cls(
            torch.arange(chosen.shape[1], device=chosen.device).expand(chosen.shape), chosen, packed=False
        )

    @classmethod
    def join(cls, blocks: "list[RowSets]") -> "RowSets":
        """Put blocks of anchors below each other; narrower ones are filled up with places that do not count."""
        most = max(block.indices.shape[1] for block in blocks)
        short = [(0, most - block.indices.shape[1]) for block in blocks]
        pad = torch.nn.functional.pad
        return cls(
            torch.cat([pad(block.indices, width) for block, width in zip(blocks, short, strict=True)]),
            torch.cat([pad(block.mask, width) for block, width in zip(blocks, short, strict=True)]),
        )


@dataclass(frozen=True, slots=True)
class TripletSets:
    """Who is compared with whom; a loss has one term for each anchor.

    Attributes:
        anchors: long ``(anchors,)``, rows of the batch; a row may occur again with other sets.
        positives: utterances of the anchor's speaker, never the anchor itself; None: all of them.
        negatives: utterances of other speakers; None: all of them.
    """

    anchors: Tensor
    positives: RowSets | None = None
    negatives: RowSets | None = None


class Miner(Protocol):
    """Chooses sets from a batch; knows no loss, and leaves no trace in the graph.

    Shape:
        - embeddings: ``(batch, dim)``, as the loss will see them: raw or of unit length
        - labels: long ``(batch,)``, any values
        - anchors: long ``(anchors,)``, the rows that get sets, from candidates in the whole batch; None: all rows.
          Rows that are candidates only are past embeddings (``EmbeddingMemory``) or those of other processes.
    """

    def __call__(self, embeddings: Tensor, labels: Tensor, anchors: Tensor | None = None) -> TripletSets:
        """Mine a batch."""
        ...

    def easier(self) -> "Miner | None":
        """Return a miner of easier negatives, for a training that collapses; None where there is none."""
        ...
