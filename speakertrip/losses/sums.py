"""Mean squared distances of a whole batch by sums per speaker: no batch x batch matrix."""

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor
from torch.autograd.function import once_differentiable

from speakertrip.losses.across import gather_rows, sum_across
from speakertrip.miners.batch import count_speakers

DOMINANT = 0.75  # of all rows; few are left beside a speaker who has more


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
    total, most = int(counts.sum()), int(counts.max())
    with torch.no_grad():
        # Distances do not change when all points move, but far from the origin float32 loses them.
        middle = _sum(embeddings.sum(dim=0), across) / total
    to_positives, to_negatives = _MeanDistances.apply(  # type: ignore[no-untyped-call]
        embeddings, middle, row, counts.to(embeddings), total, across
    )
    if DOMINANT * total < most < total:
        # The sums over all less those over such a speaker would have lost what little is left.
        dominant = row == counts.argmax()
        to_rest = _distances_to_mean_of(~dominant, embeddings - middle, total - most, across)
        to_negatives = torch.where(dominant, to_rest, to_negatives)
    return to_positives, to_negatives


def _distances_to_mean_of(members: Tensor, vectors: Tensor, count: int, across: bool) -> Tensor:
    """Mean squared distance of each vector to the same so many: to their mean, and theirs to it."""

    def mean(values: Tensor) -> Tensor:
        total = values.sum(dim=0)
        return (sum_across(total) if across else total) / count

    middle = mean(vectors[members])
    squares = (vectors - middle).square().sum(dim=1)
    return squares + mean(squares[members])


class _MeanDistances(torch.autograd.Function):
    """The formula and its gradient, written out: autograd would keep and make twice as many copies of the batch.

    With n = ‖v‖², S and Q the sums of v and n over the c rows of a speaker, and T and U those over all rows:
    ``to_positives = (c n + Q − 2 v·S) / (c − 1)`` and
    ``to_negatives = n + (U − Q − 2 (v·T − v·S)) / (rows − c)``.
    """

    @staticmethod
    def forward(
        ctx: Any, embeddings: Tensor, middle: Tensor, row: Tensor, counts: Tensor, total: int, across: bool
    ) -> tuple[Tensor, Tensor]:
        vectors = embeddings - middle
        # One copy of the batch, used again and again: new memory costs more than arithmetic.
        scratch = vectors * vectors
        norms = scratch.sum(dim=1)
        sums, squares = _sum_of_speakers(vectors, norms, row, len(counts), across)
        whole = sums.sum(dim=0)
        own = torch.index_select(sums, 0, row, out=scratch).mul_(vectors).sum(dim=1)
        counts, of_own = torch.index_select(torch.stack([counts, squares]), 1, row)
        positives, negatives = (counts - 1).clamp_min_(1), (total - counts).clamp_min_(1)
        ctx.save_for_backward(vectors, row, sums, whole, counts, positives, negatives)
        ctx.across = across
        others = (vectors @ whole).sub_(own)
        return (
            torch.addcmul(of_own, norms, counts).sub_(own, alpha=2).div_(positives),
            (squares.sum() - of_own).sub_(others, alpha=2).div_(negatives).add_(norms),
        )

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, to_positives: Tensor, to_negatives: Tensor) -> tuple[Tensor | None, ...]:
        vectors, row, sums, whole, counts, positives, negatives = ctx.saved_tensors
        a, b = (2 * to_positives).div_(positives), (2 * to_negatives).div_(negatives)
        of_own = b - a  # gradient of v·S; that of v·T is -b
        # Gradients of S and Q: from the speaker's own rows, and through T and U from all rows.
        scratch = vectors * of_own[:, None]
        of_sums, of_squares = _sum_of_speakers(scratch, of_own, row, len(sums), ctx.across)
        of_sums -= _sum(b @ vectors, ctx.across)
        of_squares = torch.index_select(_sum(b.sum(), ctx.across) - of_squares, 0, row)
        of_norms = of_squares.addcmul_(a, counts).add_(to_negatives, alpha=2)
        gradient = vectors * of_norms[:, None]
        gradient.addcmul_(torch.index_select(sums, 0, row, out=scratch), of_own[:, None])
        gradient.addr_(b, whole, alpha=-1)
        gradient.add_(torch.index_select(of_sums, 0, row, out=scratch))
        return gradient, None, None, None, None, None


def _sum_of_speakers(
    vectors: Tensor, numbers: Tensor, row: Tensor, speakers: int, across: bool
) -> tuple[Tensor, Tensor]:
    """Sum vectors ``(rows, dim)`` and numbers ``(rows,)`` over each speaker."""
    sums = vectors.new_zeros(speakers, vectors.shape[1]).index_add_(0, row, vectors)
    totals = numbers.new_zeros(speakers).index_add_(0, row, numbers)
    return _sum(sums, across), _sum(totals, across)


def _sum(tensor: Tensor, across: bool) -> Tensor:
    if across:
        dist.all_reduce(tensor)
    return tensor
