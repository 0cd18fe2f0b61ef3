"""What a miner returns."""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, slots=True)
class NegativeSets:
    """A set of negatives for each anchor of a batch.

    Attributes:
        indices: long ``(batch, negatives)``, rows of the batch.
        mask: bool ``(batch, negatives)``; False marks a place that an anchor's set does not fill.
    """

    indices: Tensor
    mask: Tensor
