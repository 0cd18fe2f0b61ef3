import torch

from speakertrip.config import XVectorConfig
from speakertrip.encoders.xvector import POOLING_FLOOR, XVector


def test_the_pooling_is_mean_and_deviation_over_time():
    encoder = XVector(40, XVectorConfig(channels=16, pooling_channels=32, embedding_dim=24)).eval()
    features = torch.randn(3, 50, 40)
    frames = features
    for layer in encoder.model.blocks[:-2]:
        frames = layer(frames)
    count = frames.shape[1]
    mean = frames.sum(1) / count
    variance = (frames - mean[:, None]).square().sum(1) / (count - 1)
    expected = encoder.model.blocks[-1](torch.cat([mean, variance.sqrt() + POOLING_FLOOR], dim=1))
    torch.testing.assert_close(encoder(features), expected, atol=1e-5, rtol=1e-4)
