"""Mean squared distances of a whole batch by sums per speaker: no batch x batch matrix."""

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor
from torch.autograd.function import once_differentiable

from speakertrip.losses.across import gather_rows
from speakertrip.miners.batch import count_speakers


def number_speakers(labels: Tensor, across: bool, problem: str | None = None) -> tuple[Tensor, Tensor]:
    """Return the speaker of each row, long ``(rows,)`` from 0, and the rows of each speaker, long ``(speakers,)``.

    Args:
        labels: long ``(rows,)``.
        across: speakers and counts are those of all processes.
        problem: of this process; then all raise.
    """
    if not across:
        return count_speakers(labels)
    names = torch.unique(gather_rows(torch.unique(labels), problem))
    row = torch.searchsorted(names, labels)
    return row, _sum(torch.bincount(row, minlength=len(names)), across)


def have_both(row: Tensor, counts: Tensor) -> Tensor:
    """Tell which rows ``(rows,)`` have a positive and a negative."""
    return ((counts > 1) & (counts < counts.sum())).index_select(0, row)


def mean_distances(embeddings: Tensor, row: Tensor, counts: Tensor, across: bool) -> tuple[Tensor, Tensor]:
    """Mean squared distance of each row to all its positives and to all its negatives.

    The mean squared distance from x to a set S is ``‖x‖² − 2 x·mean(S) + mean(‖s‖²)``: with the sums and squared
    norms of each speaker, time and memory are linear in the batch.

    Args:
        embeddings: ``(rows, dim)``, float32 or float64.
        row: long ``(rows,)``, the speaker of each.
        counts: long ``(speakers,)``, the rows of each speaker.
        across: positives and negatives are those of all processes; only sums per speaker travel.

    Returns:
        ``(to_positives, to_negatives)``, ``(rows,)`` each; those of rows that lack a positive or a negative mean
        nothing.
    """
    with torch.no_grad():
        # Distances do not change when all points move, but far from the origin float32 loses them.
        middle = _sum(embeddings.sum(dim=0), across) / counts.sum().clamp_min(1)
    return _MeanDistances.apply(embeddings, middle, row, counts.to(embeddings), across)  # type: ignore[no-any-return, no-untyped-call]


class _MeanDistances(torch.autograd.Function):
    """The formula and its gradient, written out: autograd would keep and make twice as many copies of the batch.

    With n = ‖v‖², S and Q the sums of v and n over the c rows of a speaker, S' and Q' those over the m rows of all
    others: ``to_positives = (c n + Q − 2 v·S) / (c − 1)`` and ``to_negatives = n + (Q' − 2 v·S') / m``.

    S' is not the total less S where one speaker has nearly all rows: little would be left of it. Rows are hence
    either of the largest speaker L, and ``S' = R``, the sum over the rest, or of another, and ``S' = R + S_L − S``.
    """

    @staticmethod
    def forward(
        ctx: Any, embeddings: Tensor, middle: Tensor, row: Tensor, counts: Tensor, across: bool
    ) -> tuple[Tensor, Tensor]:
        vectors = embeddings - middle
        # One copy of the batch, used again and again: new memory costs more than arithmetic.
        scratch = vectors * vectors
        norms = scratch.sum(dim=1)
        sums, squares = _sum_of_speakers(vectors, norms, row, len(counts), across)
        own = torch.index_select(sums, 0, row, out=scratch).mul_(vectors).sum(dim=1)

        largest = counts.argmax(dim=0, keepdim=True)
        is_largest = row == largest
        rest_and_largest = torch.cat([_rest(sums, largest)[None], sums[largest]])
        to_rest, to_largest = (vectors @ rest_and_largest.T).unbind(dim=1)
        others = to_rest + (to_largest - own).masked_fill_(is_largest, 0)
        other_squares = _rest(squares, largest) + (squares[largest] - squares).index_fill_(0, largest, 0)

        positives, negatives = (counts - 1).clamp_min_(1), (counts.sum() - counts).clamp_min_(1)
        of_speakers = torch.stack([counts, positives, negatives, squares, other_squares])
        of_rows = torch.index_select(of_speakers, 1, row)
        ctx.save_for_backward(vectors, row, sums, of_rows[:3], largest, is_largest, rest_and_largest)
        ctx.across = across
        counts, positives, negatives, squares, other_squares = of_rows
        return (
            (norms * counts + squares).sub_(own, alpha=2).div_(positives),
            other_squares.sub(others, alpha=2).div_(negatives).add_(norms),
        )

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, to_positives: Tensor, to_negatives: Tensor) -> tuple[Tensor | None, ...]:
        vectors, row, sums, of_rows, largest, is_largest, rest_and_largest = ctx.saved_tensors
        counts, positives, negatives = of_rows
        a, b = 2 * to_positives / positives, 2 * to_negatives / negatives
        b_of_rest = b.masked_fill(is_largest, 0)
        of_own = b_of_rest - a  # the gradient of v·S
        scratch = vectors * of_own[:, None]
        of_sums, of_squares = _sum_of_speakers(scratch, of_own, row, len(sums), ctx.across)
        # A row is among the negatives of all others: of the rest, and if it is of the rest itself, of the largest.
        weights = torch.stack([b_of_rest, b - b_of_rest])
        by_rest, by_largest = _sum(weights @ vectors, ctx.across)
        of_largest = of_sums[largest] - by_rest
        of_sums.sub_(by_rest + by_largest).index_copy_(0, largest, of_largest)
        rest, large = _sum(weights.sum(dim=1), ctx.across)
        of_squares = (rest + large - of_squares).index_copy_(0, largest, rest - of_squares[largest])

        of_norms = (a * counts).add_(to_negatives, alpha=2).add_(of_squares.index_select(0, row))
        gradient = vectors * of_norms[:, None]
        gradient.addcmul_(torch.index_select(sums, 0, row, out=scratch), of_own[:, None])
        gradient.addmm_(torch.stack([b, b_of_rest], dim=1), rest_and_largest, alpha=-1)
        gradient.add_(torch.index_select(of_sums, 0, row, out=scratch))
        return gradient, None, None, None, None


def _sum_of_speakers(
    vectors: Tensor, numbers: Tensor, row: Tensor, speakers: int, across: bool
) -> tuple[Tensor, Tensor]:
    """Sum vectors ``(rows, dim)`` and numbers ``(rows,)`` over each speaker."""
    sums = vectors.new_zeros(speakers, vectors.shape[1]).index_add_(0, row, vectors)
    totals = numbers.new_zeros(speakers).index_add_(0, row, numbers)
    return _sum(sums, across), _sum(totals, across)


def _rest(sums: Tensor, largest: Tensor) -> Tensor:
    """Sum over all speakers but one."""
    return sums.index_fill(0, largest, 0).sum(dim=0)


def _sum(tensor: Tensor, across: bool) -> Tensor:
    if across:
        dist.all_reduce(tensor)
    return tensor
