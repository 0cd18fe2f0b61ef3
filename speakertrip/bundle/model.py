"""Waveform to embedding: the front end and the encoder that belong together."""

from torch import Tensor, nn

from speakertrip.config import AnyEncoderConfig, AnyFeatureConfig
from speakertrip.encoders import build_encoder
from speakertrip.features import build_front_end


class SpeakerModel(nn.Module):
    """Front end and encoder; every front end gives log-mel energies, each of its own making.

    Args:
        features: of the front end.
        encoder: of the encoder.

    Shape:
        - waveforms: ``(batch, samples)`` at 16 kHz, all rows of equal length, at least 0.1 s
        - output: ``(batch, embedding_dim)``, raw: not of unit length

    Example:
        >>> import torch
        >>> from speakertrip.config import EcapaConfig, FeatureConfig
        >>> model = SpeakerModel(FeatureConfig(), EcapaConfig(channels=64, embedding_dim=96))
        >>> model(torch.randn(2, 16000)).shape
        torch.Size([2, 96])
    """

    def __init__(self, features: AnyFeatureConfig, encoder: AnyEncoderConfig) -> None:
        super().__init__()
        self.log_mel = build_front_end(features)
        self.encoder = build_encoder(features.mels, encoder)
        self.embedding_dim = encoder.embedding_dim

    def forward(self, waveforms: Tensor) -> Tensor:
        """Embed a batch of waveforms of equal length."""
        embeddings: Tensor = self.encoder(self.log_mel(waveforms))
        return embeddings
