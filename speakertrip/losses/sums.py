"""Mean squared distances of a whole batch by sums per speaker: no batch x batch matrix."""

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor
from torch.autograd.function import once_differentiable

from speakertrip.losses.across import gather_rows


def number_speakers(labels: Tensor, across: bool) -> tuple[Tensor, int]:
    """Return the speaker of each row, long ``(rows,)`` from 0, and how many there are (on all processes)."""
    names = torch.unique(labels)
    if across:
        names = torch.unique(gather_rows(names))
    return torch.searchsorted(names, labels), len(names)


def mean_distances(
    embeddings: Tensor, row: Tensor, speakers: int, across: bool
) -> tuple[Tensor, Tensor, Tensor]:
    """Mean squared distance of each row to all its positives and to all its negatives.

    The mean squared distance from x to a set S is ``‖x‖² − 2 x·mean(S) + mean(‖s‖²)``: with the sums and squared
    norms of each speaker, time and memory are linear in the batch.

    Args:
        embeddings: ``(rows, dim)``, float32 or float64.
        row: long ``(rows,)``, the speaker of each.
        speakers: how many.
        across: positives and negatives are those of all processes; only counts and sums per speaker travel.

    Returns:
        ``(to_positives, to_negatives, has_both)``, ``(rows,)`` each; the distances of rows that lack a positive
        or a negative mean nothing.
    """
    counts = embeddings.new_zeros(speakers).index_add_(0, row, embeddings.new_ones(len(row)))
    with torch.no_grad():
        counts = _sum(counts, across)
        # Distances do not change when all points move, but far from the origin float32 loses them.
        middle = _sum(embeddings.sum(dim=0), across) / counts.sum()
    positives = (counts - 1)[row]  # the anchor is not its own positive
    negatives = (counts.sum() - counts)[row]
    to_positives, to_negatives = _MeanDistances.apply(  # type: ignore[no-untyped-call]
        embeddings - middle, row, speakers, positives.clamp_min(1), negatives.clamp_min(1), across
    )
    return to_positives, to_negatives, (positives > 0) & (negatives > 0)


class _MeanDistances(torch.autograd.Function):
    """The formula and its gradient, written out: autograd would keep and make twice as many copies of the batch.

    With n = ‖v‖², S and Q the sums of v and n over a speaker, p and m the numbers of positives and negatives:
    ``to_positives = n − 2 (v·S − n) / p + (Q − n) / p`` and
    ``to_negatives = n − 2 (v·ΣS − v·S) / m + (ΣQ − Q) / m``.
    """

    @staticmethod
    def forward(
        ctx: Any,
        vectors: Tensor,
        row: Tensor,
        speakers: int,
        positives: Tensor,
        negatives: Tensor,
        across: bool,
    ) -> tuple[Tensor, Tensor]:
        # One copy of the batch, used again and again: new memory costs more than arithmetic.
        scratch = vectors * vectors
        norms = scratch.sum(dim=1)
        sums, squares = _sum_of_speakers(vectors, norms, row, speakers, across)
        own = torch.index_select(sums, 0, row, out=scratch).mul_(vectors).sum(dim=1)
        other_sums, other_squares = _all_but_own(sums), _all_but_own(squares)[row]
        others = torch.index_select(other_sums, 0, row, out=scratch).mul_(vectors).sum(dim=1)
        ctx.save_for_backward(vectors, row, sums, positives, negatives)
        ctx.across = across
        return (
            norms - (2 * (own - norms) - (squares[row] - norms)) / positives,
            norms - (2 * others - other_squares) / negatives,
        )

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, to_positives: Tensor, to_negatives: Tensor) -> tuple[Tensor | None, ...]:
        vectors, row, sums, positives, negatives = ctx.saved_tensors
        a, b = to_positives / positives, to_negatives / negatives
        of_own = 2 * (b - a)  # gradient of v·S; that of v·ΣS is -2 b
        # Gradients of S and Q: from the speaker's own rows, and through the totals from all rows.
        scratch = vectors * of_own[:, None]
        of_sums, of_squares = _sum_of_speakers(scratch, a - b, row, len(sums), ctx.across)
        of_sums -= 2 * _sum(b @ vectors, ctx.across)
        of_squares += _sum(b.sum(), ctx.across)
        gradient = vectors * (2 * (to_positives + to_negatives + a + of_squares[row]))[:, None]
        gradient.addcmul_(torch.index_select(sums, 0, row, out=scratch), of_own[:, None])
        gradient.addr_(b, sums.sum(dim=0), alpha=-2)
        gradient.add_(torch.index_select(of_sums, 0, row, out=scratch))
        return gradient, None, None, None, None, None


def _sum_of_speakers(
    vectors: Tensor, numbers: Tensor, row: Tensor, speakers: int, across: bool
) -> tuple[Tensor, Tensor]:
    """Sum vectors ``(rows, dim)`` and numbers ``(rows,)`` over each speaker."""
    sums = vectors.new_zeros(speakers, vectors.shape[1]).index_add_(0, row, vectors)
    totals = numbers.new_zeros(speakers).index_add_(0, row, numbers)
    return _sum(sums, across), _sum(totals, across)


def _all_but_own(sums: Tensor) -> Tensor:
    """Sum over the other speakers: in float64, for one speaker may have nearly all rows, and little would be left."""
    if sums.device.type == "mps":  # which has none
        return sums.sum(dim=0) - sums
    return (sums.double().sum(dim=0) - sums.double()).to(sums)


def _sum(tensor: Tensor, across: bool) -> Tensor:
    if across:
        dist.all_reduce(tensor)
    return tensor
