"""From two distances to a cost: by how much a margin is violated, and the mean of that."""

import math
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from speakertrip.losses.across import processes, refuse_together, sum_across

Reduction = Literal["all", "active"]


class MarginLoss(nn.Module):
    """What the triplet losses share: their options, and the way from an excess over the margin to the loss.

    Args:
        margin: positive, in squared distance; 0 is allowed with ``softplus_scale``.
        softplus_scale: None for the hinge, or positive.
        reduction: "all" or "active".
        across: whether the terms of all processes count.

    Raises:
        ValueError: an option is out of range.
    """

    def __init__(
        self,
        margin: float,
        softplus_scale: float | None = None,
        reduction: Reduction = "all",
        across: bool = True,
    ) -> None:
        super().__init__()
        if softplus_scale is not None and not 0 < softplus_scale < math.inf:
            raise ValueError(f"softplus_scale must be positive, not {softplus_scale}")
        if reduction not in ("all", "active"):
            raise ValueError(f'reduction must be "all" or "active", not {reduction!r}')
        self.softplus_scale = softplus_scale
        self.reduction = reduction
        self.across = across
        self.margin = margin

    @property
    def margin(self) -> float:
        """The margin; a schedule may assign it, and ``ValueError`` says if it is out of range."""
        return self._margin

    @margin.setter
    def margin(self, margin: float) -> None:
        if self.softplus_scale is None and not 0 < margin < math.inf:
            raise ValueError(f"margin must be positive, not {margin}")
        if not 0 <= margin < math.inf:
            raise ValueError(f"margin must be positive, or 0 with softplus_scale, not {margin}")
        self._margin = margin

    def of_excess(self, excess: Tensor) -> Tensor:
        """Return the loss of terms ``(terms,)`` of ``d²(a,p) − d²(a,n) + margin``."""
        return mean_violation(violations(excess, self.softplus_scale), excess, self.reduction, self._across)

    @property
    def _across(self) -> bool:
        return self.across and processes() > 1

    def _require(self, found: Tensor, nothing: str, problem: str | None = None) -> None:
        """Raise on all processes that count where one has a problem, or where nothing is found on any.

        Args:
            found: scalar, how much is found on this process.
            nothing: what is wrong if nothing is found.
            problem: what is wrong with the input of this process.
        """
        problems = 0
        if self._across:
            found, others = sum_across(torch.stack([found.long(), found.new_tensor(bool(problem)).long()]))
            problems = int(others)
        refuse_together(problems, problem)
        if not found:
            raise ValueError(nothing)


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
    elif across:
        total, count = costs.sum(), costs.new_tensor(len(costs))
    else:
        return costs.sum() / max(1, len(costs))
    if across:
        total, count = sum_across(torch.stack([total, count]))
    return total / count.detach().clamp_min(1)
