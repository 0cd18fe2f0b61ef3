"""An encoder from its configuration."""

from torch import nn

from speakertrip.config import AnyEncoderConfig, EcapaConfig, OnnxConfig, ResNetConfig


def build_encoder(mels: int, config: AnyEncoderConfig) -> nn.Module:
    """Build an encoder with fresh weights (drawn from torch's global generator); an ONNX one, without its network.

    Args:
        mels: size of a feature frame.
        config: which encoder, and its sizes.

    Returns:
        A module that satisfies ``SpeakerEncoder``.

    Example:
        >>> import torch
        >>> encoder = build_encoder(80, EcapaConfig(channels=64, embedding_dim=96))
        >>> encoder(torch.randn(2, 200, 80)).shape
        torch.Size([2, 96])
    """
    # Imported here: an application loads only the encoder that its bundle names.
    if isinstance(config, EcapaConfig):
        from speakertrip.encoders.ecapa import Ecapa

        return Ecapa(mels, config)
    if isinstance(config, ResNetConfig):
        from speakertrip.encoders.resnet import ResNet

        return ResNet(mels, config)
    if isinstance(config, OnnxConfig):
        from speakertrip.encoders.onnx import OnnxEncoder

        return OnnxEncoder(mels, config)
    from speakertrip.encoders.xvector import XVector

    return XVector(mels, config)
