"""What every encoder promises."""

from typing import Protocol, runtime_checkable

from torch import Tensor


@runtime_checkable
class SpeakerEncoder(Protocol):
    """A ``torch.nn.Module`` from log-mel features to embeddings.

    Shape:
        - features: ``(batch, frames, mels)``, float; all rows of equal length, at least 10 frames
        - output: ``(batch, embedding_dim)``, raw: not of unit length

    In evaluation mode a row's embedding depends on that row alone.

    Attributes:
        embedding_dim: size of an embedding.
    """

    embedding_dim: int

    def __call__(self, features: Tensor) -> Tensor:
        """Encode a batch."""
        ...
