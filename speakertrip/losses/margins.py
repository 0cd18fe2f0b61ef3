"""Margins that change while a training goes on."""

import math
from dataclasses import dataclass
from typing import Protocol


class Margin(Protocol):
    """A margin for each step."""

    def __call__(self, step: int) -> float:
        """Return the margin of a step; steps count from 1."""
        ...


@dataclass(frozen=True, slots=True)
class ConstantMargin:
    """The same margin at every step."""

    value: float

    def __call__(self, step: int) -> float:
        """Return the margin."""
        return self.value


@dataclass(frozen=True, slots=True)
class LinearMargin:
    """A straight line from ``start`` at step 1 to ``end`` at step ``steps``, and ``end`` from there on.

    >>> [LinearMargin(0.2, 0.6, steps=3)(step) for step in (1, 2, 3, 9)]
    [0.2, 0.4, 0.6, 0.6]
    """

    start: float
    end: float
    steps: int

    def __call__(self, step: int) -> float:
        """Return the margin of a step."""
        return _between(self.start, self.end, _share_done(step, self.steps))


@dataclass(frozen=True, slots=True)
class CosineMargin:
    """Half a cosine from ``start`` at step 1 to ``end`` at step ``steps``: slow at both ends.

    >>> [round(CosineMargin(0.2, 0.6, steps=5)(step), 3) for step in (1, 2, 3, 5, 9)]
    [0.2, 0.259, 0.4, 0.6, 0.6]
    """

    start: float
    end: float
    steps: int

    def __call__(self, step: int) -> float:
        """Return the margin of a step."""
        return _between(self.start, self.end, (1 - math.cos(math.pi * _share_done(step, self.steps))) / 2)


@dataclass(slots=True)
class AdaptiveMargin:
    """A margin that keeps the share of active anchors near a target.

    After each step the margin moves by ``rate`` times what the share lacks: up where too few anchors are active,
    down where too many are. Its whole state is ``value``.

    Args:
        value: margin of the first step.
        target: share of active anchors to keep, in (0, 1).
        rate: how fast, in margin per step and unit of share.
        lowest: bound of the margin.
        highest: bound of the margin; unit embeddings have d² in [0, 4].

    Raises:
        ValueError: not ``0 < lowest <= value <= highest``, or the target or the rate is out of range.

    Example:
        >>> margin = AdaptiveMargin(0.4, target=0.5, rate=0.1)
        >>> margin.update(active=0.1)
        >>> round(margin(step=2), 3)
        0.44
    """

    value: float
    target: float = 0.5
    rate: float = 0.01
    lowest: float = 0.05
    highest: float = 2.0

    def __post_init__(self) -> None:
        if not 0 < self.lowest <= self.value <= self.highest:
            raise ValueError(
                f"0 < lowest <= value <= highest must hold, not {self.lowest}, {self.value}, {self.highest}"
            )
        if not (0 < self.target < 1 and self.rate > 0):
            raise ValueError(f"target must lie in (0, 1) and rate above 0, not {self.target}, {self.rate}")

    def __call__(self, step: int) -> float:
        """Return the margin as it now is."""
        return self.value

    def update(self, active: float) -> None:
        """Take in the share of active anchors of a step, in [0, 1]; ``ValueError`` says if it is none."""
        if not 0 <= active <= 1:
            raise ValueError(f"the share of active anchors must lie in [0, 1], not be {active}")
        moved = self.value + self.rate * (self.target - active)
        self.value = min(self.highest, max(self.lowest, moved))


def _share_done(step: int, steps: int) -> float:
    return 1.0 if step >= steps else (step - 1) / (steps - 1)


def _between(start: float, end: float, share: float) -> float:
    return (1 - share) * start + share * end
