"""ECAPA-TDNN over speechbrain's modules."""

from torch import Tensor, nn

from speakertrip.config import EcapaConfig
from speakertrip.encoders.speechbrain_layers import ECAPA_TDNN, skip_empty_padding


class Ecapa(nn.Module):
    """ECAPA-TDNN: dilated Res2Net blocks with squeeze-excitation, attentive statistics pooling.

    Desplanques, Thienpondt, Demuynck: ECAPA-TDNN, Interspeech 2020. See ``SpeakerEncoder`` for shapes.

    Args:
        mels: size of a feature frame.
        config: widths; ``channels`` 512 gives the paper's 6.2 M parameters, 1024 speechbrain's 20.8 M.
    """

    def __init__(self, mels: int, config: EcapaConfig) -> None:
        super().__init__()
        self.embedding_dim = config.embedding_dim
        width = config.channels
        self.model = ECAPA_TDNN(
            mels,
            lin_neurons=config.embedding_dim,
            channels=[width, width, width, width, 3 * width],
            kernel_sizes=[5, 3, 3, 3, 1],
            dilations=[1, 2, 3, 4, 1],
            attention_channels=config.attention_channels,
            res2net_scale=config.res2net_scale,
            se_channels=config.se_channels,
        )
        skip_empty_padding(self.model)

    def forward(self, features: Tensor) -> Tensor:
        """Encode ``(batch, frames, mels)`` to ``(batch, embedding_dim)``."""
        embeddings: Tensor = self.model(features)
        return embeddings.squeeze(1)
