import torch

from speakertrip.config import ResNetConfig
from speakertrip.encoders.resnet import FLOOR, AttentiveStatistics, ResNet


def test_pooling_is_a_weighted_mean_and_deviation():
    pooling = AttentiveStatistics(6, 4)
    frames = torch.randn(2, 6, 9)
    weights = pooling.attention(frames).softmax(dim=2)
    expected = torch.empty(2, 12)
    for row in range(2):
        for channel in range(6):
            values, shares = frames[row, channel], weights[row, channel]
            mean = sum(share * value for share, value in zip(shares, values, strict=True))
            variance = sum(share * (value - mean) ** 2 for share, value in zip(shares, values, strict=True))
            expected[row, channel], expected[row, 6 + channel] = mean, max(variance, FLOOR) ** 0.5
    torch.testing.assert_close(pooling(frames), expected)


def test_frames_without_any_change_have_a_gradient():
    frames = torch.ones(2, 6, 9, requires_grad=True)
    AttentiveStatistics(6, 4)(frames).sum().backward()
    assert frames.grad.isfinite().all()


def test_memory_order_changes_no_result():
    encoder = ResNet(40, ResNetConfig(channels=4, embedding_dim=8)).eval()
    features = torch.randn(3, 50, 40)
    found = encoder(features)
    torch.testing.assert_close(encoder.to(memory_format=torch.contiguous_format)(features), found)
