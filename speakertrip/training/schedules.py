"""Numbers that change from step to step by themselves."""

import math

from speakertrip.config import OptimizerConfig


def learning_rate(step: int, config: OptimizerConfig) -> float:
    """Return the rate of a step, counted from 1: a linear rise over the warm-up, then a fall to zero, or none.

    >>> [round(learning_rate(s, OptimizerConfig(steps=4, warmup_steps=2, lr=1.0)), 3) for s in (1, 2, 3, 4)]
    [0.5, 1.0, 0.854, 0.146]
    """
    if step <= config.warmup_steps:
        return config.lr * step / config.warmup_steps
    done = (step - config.warmup_steps - 0.5) / max(1, config.steps - config.warmup_steps)
    if config.decay == "cosine":
        return config.lr * (1 + math.cos(math.pi * done)) / 2
    return config.lr * (1 - done if config.decay == "linear" else 1)


def on_the_way(first: float, final: float | None, step: int, last_step: int) -> float:
    """Return a number that goes on a straight line from the first step to the last; without an end it stays.

    >>> [on_the_way(2.0, 3.0, step, 5) for step in (1, 3, 5)], on_the_way(2.0, None, 3, 5)
    ([2.0, 2.5, 3.0], 2.0)
    """
    if final is None or last_step == 1:
        return first
    return first + (final - first) * (step - 1) / (last_step - 1)
