"""Squared distances to single rows and to bands, with gradients that are written out to bound the memory."""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from speakertrip.miners import BandSets
from speakertrip.miners.distances import in_blocks, squared_distances


def pair_distances(vectors: Tensor, first: Tensor, second: Tensor) -> Tensor:
    """Squared distance of pairs of rows.

    Args:
        vectors: ``(rows, dim)``.
        first: long ``(pairs,)``, rows.
        second: likewise.

    Returns:
        ``(pairs,)``; memory grows with pairs + rows x dim, not with pairs x dim.
    """
    distances: Tensor = _PairDistances.apply(vectors, first, second)  # type: ignore[no-untyped-call]
    return distances


def band_distances(vectors: Tensor, sets: BandSets) -> tuple[Tensor, Tensor]:
    """Mean squared distance of the anchor of each set to the rows of the set.

    Args:
        vectors: ``(rows, dim)``, centred.
        sets: of rows.

    Returns:
        The distances, 0 for an empty set, and how many rows each set has, ``(sets,)`` each. Time grows with
        rows² x dim, however many sets there are.
    """
    distances, counts = _BandDistances.apply(vectors, sets)  # type: ignore[no-untyped-call]
    return distances, counts


class _PairDistances(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, vectors: Tensor, first: Tensor, second: Tensor) -> Tensor:
        ctx.save_for_backward(vectors, first, second)
        distances = vectors.new_empty(len(first))
        for block in in_blocks(len(first), vectors.shape[1]):
            difference = vectors.index_select(0, first[block]).sub_(vectors.index_select(0, second[block]))
            distances[block] = difference.square_().sum(dim=1)
        return distances

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, of_distances: Tensor) -> tuple[Tensor | None, ...]:
        vectors, first, second = ctx.saved_tensors
        gradient = torch.zeros_like(vectors)
        for block in in_blocks(len(first), vectors.shape[1]):
            difference = vectors.index_select(0, first[block]).sub_(vectors.index_select(0, second[block]))
            difference.mul_(2 * of_distances[block, None])
            gradient.index_add_(0, first[block], difference).index_add_(
                0, second[block], difference, alpha=-1
            )
        return gradient, None, None


class _BandDistances(torch.autograd.Function):
    """Sums over bands, then differences of running sums of them; the gradient goes the same way back."""

    @staticmethod
    def forward(ctx: Any, vectors: Tensor, sets: BandSets) -> tuple[Tensor, Tensor]:
        most = 1 + max((int(each.max()) for each in (sets.bands, sets.last) if each.numel()), default=0)
        # In float64, for a set is a small difference of running sums; the first of which is nothing.
        double = torch.float64 if vectors.device.type != "mps" else vectors.dtype
        running = vectors.new_zeros(2, len(sets.anchors), most + 1, dtype=double)
        norms = vectors.square().sum(dim=1)
        for block in in_blocks(len(sets.anchors), len(vectors)):
            bands = sets.bands[block].long()
            near = squared_distances(vectors[sets.anchors[block]], vectors, norms)
            for sums, values in zip(running, (near, torch.ones_like(near)), strict=True):
                sums[block, 1:] = values.new_zeros(len(bands), most).scatter_add_(1, bands, values)
        running.cumsum_(dim=2)
        sums, counts = running[:, sets.anchor, sets.last + 1] - running[:, sets.anchor, sets.first]
        ctx.save_for_backward(vectors, counts)
        ctx.sets, ctx.most = sets, most
        ctx.mark_non_differentiable(counts)
        return (sums / counts.clamp_min(1)).to(vectors), counts

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, of_distances: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:
        vectors, counts = ctx.saved_tensors
        sets: BandSets = ctx.sets
        each = of_distances / counts.clamp_min(1)
        weights = each.new_zeros(len(sets.anchors), ctx.most + 1)
        weights.index_put_((sets.anchor, sets.first), each, accumulate=True)
        weights.index_put_((sets.anchor, sets.last + 1), -each, accumulate=True)
        weights = weights.cumsum_(dim=1).to(vectors)
        gradient = torch.zeros_like(vectors)
        for block in in_blocks(len(sets.anchors), len(vectors)):
            rows = sets.anchors[block]
            # The gradient of Σ w(i,j) ‖v_i − v_j‖², for anchors i and for rows j.
            w, own = weights[block].gather(1, sets.bands[block].long()), vectors[rows]
            of_anchors = 2 * (own * w.sum(dim=1, keepdim=True) - w @ vectors)
            gradient.index_add_(0, rows, of_anchors)
            gradient.addcmul_(vectors, w.sum(dim=0)[:, None], value=2).addmm_(w.T, own, alpha=-2)
        return gradient, None
