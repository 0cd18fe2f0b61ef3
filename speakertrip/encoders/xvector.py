"""The x-vector network over speechbrain's modules."""

import torch
from torch import Tensor, nn

from speakertrip.config import XVectorConfig
from speakertrip.encoders.speechbrain_layers import Xvector, skip_empty_padding

POOLING_FLOOR = 1e-5  # as speechbrain's pooling, so that its checkpoints fit


class XVector(nn.Module):
    """x-vector: five time-delay layers, mean and deviation over time, one linear layer.

    Snyder, Garcia-Romero, Sell, Povey, Khudanpur: X-vectors, ICASSP 2018. See ``SpeakerEncoder`` for shapes.

    Args:
        mels: size of a feature frame.
        config: widths; the defaults are the paper's.
    """

    def __init__(self, mels: int, config: XVectorConfig) -> None:
        super().__init__()
        self.embedding_dim = config.embedding_dim
        width = config.channels
        self.model = Xvector(
            device="cpu",
            tdnn_blocks=5,
            tdnn_channels=[width, width, width, width, config.pooling_channels],
            tdnn_kernel_sizes=[5, 3, 3, 1, 1],
            tdnn_dilations=[1, 2, 3, 1, 1],
            lin_neurons=config.embedding_dim,
            in_channels=mels,
        )
        skip_empty_padding(self.model)

    def forward(self, features: Tensor) -> Tensor:
        """Encode ``(batch, frames, mels)`` to ``(batch, embedding_dim)``."""
        *frame_layers, _pooling, linear = self.model.blocks
        for layer in frame_layers:
            features = layer(features)
        # speechbrain's own pooling adds random noise to the mean, also in evaluation; without it an embedding
        # is reproducible.
        deviation, mean = torch.std_mean(features, dim=1)
        embeddings: Tensor = linear(torch.cat([mean, deviation + POOLING_FLOOR], dim=1))
        return embeddings
