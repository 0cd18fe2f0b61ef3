"""Distances between rows of a batch, in blocks that bound the memory."""

from collections.abc import Callable

import torch
from torch import Tensor

BLOCK_ELEMENTS = 2**21  # of the largest matrix that a miner makes: 8 MB of float32, which caches hold
ROOM = 16  # squared norms may be so many times a distance before float32 loses its fifth digit


def as_float(embeddings: Tensor) -> Tensor:
    """Return float32, or float64 where the embeddings have it: half precision loses distances."""
    return embeddings if embeddings.dtype == torch.float64 else embeddings.float()


def in_blocks(count: int, width: int) -> list[slice]:
    """Cut so many anchors into slices that times ``width`` stay below the memory bound; at least one slice.

    >>> in_blocks(3, BLOCK_ELEMENTS)
    [slice(0, 1, None), slice(1, 2, None), slice(2, 3, None)]
    """
    step = max(1, BLOCK_ELEMENTS // max(1, width))
    return [slice(begin, min(begin + step, count)) for begin in range(0, max(1, count), step)]


def centred(embeddings: Tensor) -> Tensor:
    """Move the batch to the origin: distances stay, and far from it float32 would lose them."""
    vectors = as_float(embeddings)
    return vectors - vectors.mean(dim=0)


def squared_distances(
    vectors: Tensor, others: Tensor, norms: Tensor | None = None, out: Tensor | None = None
) -> Tensor:
    """Return squared Euclidean distances of vectors to others, by one matrix product.

    Args:
        vectors: ``(vectors, dim)``, centred.
        others: ``(others, dim)``.
        norms: ``(others,)``, their squared norms, and whatever else is to be added; None: to be computed.
        out: ``(vectors, others)``, takes the result; None: a new tensor.

    Returns:
        ``(vectors, others)``, not negative; good for ranking, within rounding of the squared norms.
    """
    norms = others.square().sum(dim=1) if norms is None else norms
    with torch.autocast(vectors.device.type, enabled=False):
        distances = torch.addmm(norms[None, :], vectors, others.T, alpha=-2, out=out)
    return distances.add_(vectors.square().sum(dim=1)[:, None]).clamp_min_(0)


Points = Callable[[Tensor], tuple[Tensor, Tensor | None]]
Choose = Callable[[Tensor, Tensor, Tensor], Tensor]


def rank_in_blocks(embeddings: Tensor, anchors: Tensor, choose: Choose, points: Points | None = None) -> None:
    """Let a miner choose by distances, block by block in one buffer; where float32 is too coarse, in float64.

    Distances from a matrix product carry the rounding of the squared norms. Where a group of rows is much smaller
    than its distance from the centre of the batch, that rounding would rank the rows of the group: such anchors
    are chosen for anew. So distances that decide are right to about 1e-5 of themselves.

    Args:
        embeddings: ``(batch, dim)``.
        anchors: long ``(anchors,)``, rows.
        choose: takes ``(places, rows, distances)``: some places in the list of anchors, the rows of the batch that
            stand there, and their squared distances ``(places, points)``, which it may change; keeps what it chose
            and returns for each the distance that its choice rests on, ``(places,)``.
        points: of centred rows, what distances are taken to: ``(points, dim)``, and what is added to the squared
            distance of each, ``(points,)`` or None; None: the rows themselves.
    """
    points = points or _rows_themselves
    vectors = centred(embeddings)
    others, added = points(vectors)
    norms = others.square().sum(dim=1)
    norms = norms if added is None else norms + added
    places = torch.arange(len(anchors), device=anchors.device)
    blocks = in_blocks(len(anchors), len(others))
    buffer = vectors.new_empty(blocks[0].stop, len(others))
    coarse = vectors.square().sum(dim=1).max() / ROOM
    has_double = vectors.dtype == torch.float32 and vectors.device.type != "mps"
    unsure = torch.empty_like(anchors, dtype=torch.bool)
    # Nothing may be kept of a block: small tensors amid the large ones of the next would break up the heap.
    for block in blocks:
        rows = anchors[block]
        distances = squared_distances(vectors[rows], others, norms, buffer[: len(rows)])
        unsure[block] = choose(places[block], rows, distances) < coarse
    again = places[unsure]
    if has_double and len(again):
        del buffer, distances  # as large as those that come
        rank_in_blocks(
            embeddings.double(),
            anchors[again],
            lambda block, rows, distances: choose(again[block], rows, distances),
            points,
        )


def _rows_themselves(vectors: Tensor) -> tuple[Tensor, None]:
    return vectors, None
