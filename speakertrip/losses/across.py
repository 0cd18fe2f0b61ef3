"""One batch that lies on several processes: sums and rows of all of them, with gradients.

A value that every process computes from the whole batch is differentiated by each of them. The backward pass of a
sum over processes is the sum of their gradients, so that each row receives W times the gradient of the loss, W the
number of processes. Gradients of parameters that are then averaged over the processes, as
``DistributedDataParallel`` does or ``speakertrip.training.processes``, are exactly those of one process with the whole
batch.
"""

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.nn.functional import all_reduce

from speakertrip.miners.batch import shape_problem


def processes() -> int:
    """Return the number of processes of the default group; 1 without one."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def own_rank() -> int:
    """Return the rank of this process in the default group; 0 without one."""
    return dist.get_rank() if processes() > 1 else 0


def sum_across(tensor: Tensor) -> Tensor:
    """Return the sum of a tensor of one shape over all processes, with its gradient."""
    if processes() == 1:
        return tensor
    total: Tensor = all_reduce(tensor)  # type: ignore[no-untyped-call]
    return total


def mean_across(mean: Tensor, rows: int) -> Tensor:
    """Return the mean over the rows of all processes, with its gradient.

    Args:
        mean: scalar, over the rows of this process.
        rows: how many it has, at least 1.
    """
    if processes() == 1:
        return mean
    total, count = sum_across(torch.stack([mean * rows, mean.new_tensor(rows)]))
    whole: Tensor = total / count.detach()
    return whole


def refuse_together(problems: int, problem: str | None) -> None:
    """Raise on every process where one has a problem, so that none waits for another.

    Args:
        problems: how many processes have one, as all have been told.
        problem: of this process.
    """
    if problem or problems:
        raise ValueError(problem or "another process refused its part of the batch; see its error")


def gather_rows(tensor: Tensor, problem: str | None = None) -> Tensor:
    """Return the rows of all processes below each other, ``(all rows, ...)``, with their gradient.

    Processes may hold different numbers of rows, of one shape and type.

    Args:
        tensor: ``(rows, ...)``.
        problem: why this process has no rows to give; then all processes raise.
    """
    return _place(tensor, _sizes(tensor, problem))


def gather_batch(embeddings: Tensor, labels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Gather a batch for miners, which look at single embeddings of all processes.

    Args:
        embeddings: ``(rows, dim)`` of this process.
        labels: long ``(rows,)``; the same value means the same speaker on every process.

    Returns:
        ``(embeddings, labels, own)``: those of all processes, and the long ``(rows,)`` rows of this process.

    Raises:
        ValueError: on every process, shapes do not fit on one of them.

    Example:
        >>> embeddings, labels, own = gather_batch(torch.randn(4, 8), torch.tensor([0, 0, 1, 1]))
        >>> own.tolist()
        [0, 1, 2, 3]
    """
    sizes = _sizes(labels, shape_problem(embeddings, labels))
    first = sum(sizes[: own_rank()])
    own = torch.arange(first, first + len(labels), device=labels.device)
    return _place(embeddings, sizes), _place(labels, sizes), own


def _sizes(tensor: Tensor, problem: str | None) -> list[int]:
    """Return how many rows each process has; all raise where one has a problem."""
    if processes() == 1:
        refuse_together(0, problem)
        return [len(tensor)]
    counts = [torch.zeros(1, dtype=torch.long, device=tensor.device) for _ in range(processes())]
    dist.all_gather(counts, torch.tensor([-1 if problem else len(tensor)], device=tensor.device))
    sizes: list[int] = torch.cat(counts).tolist()
    refuse_together(sum(size < 0 for size in sizes), problem)
    return sizes


def _place(tensor: Tensor, sizes: list[int]) -> Tensor:
    """Return the rows of all processes, of which each has so many."""
    if processes() == 1:
        return tensor
    before = sum(sizes[: own_rank()])
    rows = tensor.new_zeros(sum(sizes), *tensor.shape[1:])
    # Each process adds its rows to zeros of the others: one collective, exact, and its gradient is that of a sum.
    return sum_across(torch.cat([rows[:before], tensor, rows[before + len(tensor) :]]))
