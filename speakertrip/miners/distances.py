"""Distances between rows of a batch, in blocks that bound the memory."""

from collections.abc import Iterator

import torch
from torch import Tensor

BLOCK_ELEMENTS = 2**21  # of the largest matrix that a miner makes: 8 MB of float32, which caches hold


def as_float(embeddings: Tensor) -> Tensor:
    """Return float32, or float64 where the embeddings have it: half precision loses distances."""
    return embeddings if embeddings.dtype == torch.float64 else embeddings.float()


def row_blocks(anchors: Tensor, width: int) -> Iterator[Tensor]:
    """Split anchors so that each block times ``width`` stays below the memory bound; at least one block."""
    return iter(torch.split(anchors, max(1, BLOCK_ELEMENTS // max(1, width))))


def centred(embeddings: Tensor) -> Tensor:
    """Move the batch to the origin: distances stay, and far from it float32 would lose them."""
    vectors = as_float(embeddings)
    return vectors - vectors.mean(dim=0)


def squared_distances(vectors: Tensor, anchors: Tensor, others: Tensor | None = None) -> Tensor:
    """Return squared Euclidean distances of some rows to all, or to other points, by one matrix product.

    Args:
        vectors: ``(batch, dim)``, centred.
        anchors: long ``(anchors,)``, rows.
        others: ``(others, dim)``; None: the vectors themselves.

    Returns:
        ``(anchors, batch)`` or ``(anchors, others)``, not negative; good for ranking, within rounding of the
        squared norms.
    """
    others = vectors if others is None else others
    own = vectors[anchors]
    with torch.autocast(vectors.device.type, enabled=False):
        distances = torch.addmm(others.square().sum(dim=1)[None, :], own, others.T, alpha=-2)
    return distances.add_(own.square().sum(dim=1)[:, None]).clamp_min_(0)


def all_rows(embeddings: Tensor, anchors: Tensor | None) -> Tensor:
    """Return the anchors, every row where none are named."""
    return torch.arange(len(embeddings), device=embeddings.device) if anchors is None else anchors
