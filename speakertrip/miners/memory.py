"""More negatives than a batch holds: a queue of past embeddings."""

import torch
from torch import Tensor, nn

from speakertrip.miners.batch import shape_problem
from speakertrip.miners.distances import as_float


class EmbeddingMemory(nn.Module):
    """The last embeddings of past batches, which a miner may choose from beside those of the batch.

    Embeddings drift slowly, so that those of the last steps still say who is near (Wang, Zhang, Huang, Scott:
    Cross-batch memory for embedding learning, CVPR 2020). Push what the encoder gave, or what a slowly moving
    average of it gives (momentum; He et al.: MoCo, CVPR 2020). No gradient flows into the queue. It is kept in
    ``state_dict``.

    Args:
        size: rows kept, at least 1.
        dim: of an embedding.

    Raises:
        ValueError: size or dim is below 1, or shapes do not fit.

    Example:
        >>> from speakertrip.miners import HardestShare
        >>> memory, labels = EmbeddingMemory(size=100, dim=8), torch.arange(6) // 2
        >>> memory.push(torch.randn(6, 8), labels)
        >>> embeddings, everybody = memory.join(torch.randn(6, 8), labels)
        >>> sets = HardestShare(0.5)(embeddings, everybody, anchors=torch.arange(6))
        >>> len(everybody), sets.negatives.indices.shape
        (12, torch.Size([6, 4]))
    """

    embeddings: Tensor
    labels: Tensor
    pushed: Tensor

    def __init__(self, size: int, dim: int) -> None:
        super().__init__()
        if size < 1 or dim < 1:
            raise ValueError(f"size and dim must be at least 1, not {size} and {dim}")
        self.register_buffer("embeddings", torch.zeros(size, dim))
        self.register_buffer("labels", torch.zeros(size, dtype=torch.long))
        self.register_buffer("pushed", torch.zeros((), dtype=torch.long))  # rows since the beginning

    def __len__(self) -> int:
        return min(int(self.pushed), len(self.labels))

    @torch.no_grad()
    def push(self, embeddings: Tensor, labels: Tensor) -> None:
        """Take in embeddings ``(batch, dim)`` and their labels ``(batch,)``; the oldest make room."""
        if embeddings.ndim != 2 or embeddings.shape[1] != self.embeddings.shape[1]:
            raise ValueError(
                f"embeddings must be (batch, {self.embeddings.shape[1]}), not {tuple(embeddings.shape)}"
            )
        problem = shape_problem(embeddings, labels)
        if problem:
            raise ValueError(problem)
        size = len(self.labels)
        places = (int(self.pushed) + torch.arange(len(labels), device=self.labels.device))[-size:] % size
        self.embeddings[places] = as_float(embeddings[-size:]).to(self.embeddings)
        self.labels[places] = labels[-size:]
        self.pushed += len(labels)

    def join(self, embeddings: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Return the batch, its rows first, followed by what the queue holds; gradients reach the batch."""
        held = len(self)
        return torch.cat([as_float(embeddings), self.embeddings[:held]]), torch.cat(
            [labels, self.labels[:held]]
        )
