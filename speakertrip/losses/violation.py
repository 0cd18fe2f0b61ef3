"""From two distances to a cost: by how much a margin is violated, and the mean of that."""

import math
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from speakertrip.losses.across import sum_across

Reduction = Literal["all", "active"]


def check_options(margin: float, softplus_scale: float | None, reduction: str) -> None:
    """Raise ValueError where the options of a triplet loss are out of range."""
    if softplus_scale is None and not 0 < margin < math.inf:
        raise ValueError(f"margin must be positive, not {margin}")
    if not 0 <= margin < math.inf:
        raise ValueError(f"margin must be positive, or 0 with softplus_scale, not {margin}")
    if softplus_scale is not None and not 0 < softplus_scale < math.inf:
        raise ValueError(f"softplus_scale must be positive, not {softplus_scale}")
    if reduction not in ("all", "active"):
        raise ValueError(f'reduction must be "all" or "active", not {reduction!r}')


def violations(excess: Tensor, softplus_scale: float | None) -> Tensor:
    """Return the cost of each term from ``d²(a,p) − d²(a,n) + margin``; above zero a term is active.

    ``max(0, x)``, or with a scale s the smooth ``ln(1 + exp(s x)) / s`` (Hermans, Beyer, Leibe, 2017).
    """
    if softplus_scale is None:
        return torch.relu(excess)
    return functional.softplus(excess, beta=softplus_scale)


def mean_violation(costs: Tensor, excess: Tensor, reduction: Reduction, across: bool) -> Tensor:
    """Average costs over all terms or over the active ones; 0, with a gradient of 0, where there are none.

    Args:
        costs: ``(terms,)``.
        excess: ``(terms,)``; above zero a term is active.
        reduction: over which.
        across: over the terms of all processes.
    """
    if reduction == "active":
        active = excess > 0
        total, count = (costs * active).sum(), active.sum().to(costs)
    else:
        total, count = costs.sum(), costs.new_tensor(len(costs))
    if across:
        total, count = sum_across(torch.stack([total, count]))
    return total / count.detach().clamp_min(1)
