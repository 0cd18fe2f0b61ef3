"""SpecAugment (Park et al., 2019): hide a stretch of time and a band of mels."""

import torch
from torch import Tensor


def mask_features(
    features: Tensor,
    probability: float,
    max_frames: int,
    max_mels: int,
    generator: torch.Generator,
    first: int = 0,
    total: int | None = None,
) -> Tensor:
    """Set one random stretch of frames and one random band of mels to zero, the mean of the features.

    Args:
        features: ``(batch, frames, mels)``, mean-removed.
        probability: that a row is masked.
        max_frames: longest stretch of time, in frames.
        max_mels: widest band.
        generator: on the CPU, whatever the device of the features.
        first: place of the first row in a larger batch, whose rows are masked alike however it is cut.
        total: rows of that batch; None: these are all.

    Returns:
        A masked copy of the same shape.

    >>> ones = torch.ones(1, 50, 80)
    >>> bool((mask_features(ones, 1.0, 10, 10, torch.Generator().manual_seed(0)) == 0).any())
    True
    """
    rows, frames, mels = features.shape
    batch = rows if total is None else total
    chosen = torch.rand(batch, generator=generator) < probability
    time = _random_span(chosen, frames, max_frames, generator)
    band = _random_span(chosen, mels, max_mels, generator)
    own = slice(first, first + rows)
    hidden = (time[own, :, None] | band[own, None, :]).to(features.device)
    return features.masked_fill(hidden, 0.0)


def _random_span(chosen: Tensor, size: int, longest: int, generator: torch.Generator) -> Tensor:
    """Return a bool ``(batch, size)`` with one span of 0 to ``longest`` per chosen row."""
    batch = len(chosen)
    width = (torch.rand(batch, generator=generator) * (min(longest, size) + 1)).long()
    start = (torch.rand(batch, generator=generator) * (size - width + 1)).long()
    place = torch.arange(size)
    span = (place >= start[:, None]) & (place < (start + width)[:, None])
    return span & chosen[:, None]
