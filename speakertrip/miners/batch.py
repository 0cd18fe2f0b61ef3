"""What a miner is given, checked."""

import torch
from torch import Tensor


def shape_problem(embeddings: Tensor, labels: Tensor) -> str | None:
    """Say in a sentence why embeddings and labels are no batch; None where they are one."""
    if embeddings.ndim != 2 or labels.shape != embeddings.shape[:1]:
        return (
            "embeddings must be (batch, dim) and labels (batch,), not "
            f"{tuple(embeddings.shape)} and {tuple(labels.shape)}"
        )
    return None


def anchors_of(embeddings: Tensor, labels: Tensor, anchors: Tensor | None) -> Tensor:
    """Check a batch and return its anchors, every row where none are named.

    Raises:
        ValueError: shapes do not fit, the batch is empty, or the anchors are no rows of it.
    """
    problem = shape_problem(embeddings, labels)
    if problem:
        raise ValueError(problem)
    if not len(labels):
        raise ValueError("the batch must hold at least one utterance")
    if anchors is None:
        return torch.arange(len(labels), device=labels.device)
    if anchors.ndim != 1 or anchors.dtype != torch.long:
        raise ValueError(f"anchors must be long (anchors,), not {anchors.dtype} {tuple(anchors.shape)}")
    if len(anchors):
        low, high = (int(row) for row in torch.aminmax(anchors))
        if low < 0 or high >= len(labels):
            raise ValueError(f"anchors must be rows in 0..{len(labels) - 1}, not in {low}..{high}")
    return anchors


def count_speakers(labels: Tensor) -> tuple[Tensor, Tensor]:
    """Return the speaker of each row, long ``(batch,)`` from 0, and the rows of each speaker, long ``(speakers,)``."""
    _, speaker, counts = torch.unique(labels, return_inverse=True, return_counts=True)
    return speaker, counts
