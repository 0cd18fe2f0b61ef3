import pytest
import torch

from speakertrip.config import EcapaConfig, ResNetConfig, XVectorConfig
from speakertrip.encoders import SpeakerEncoder, build_encoder

SMALL = [
    EcapaConfig(channels=16, embedding_dim=24, attention_channels=8, se_channels=8, res2net_scale=4),
    XVectorConfig(channels=16, pooling_channels=32, embedding_dim=24),
    ResNetConfig(channels=4, blocks=(1, 2, 1, 1), embedding_dim=24, attention_channels=8),
]


def parameters(config):
    with torch.device("meta"):
        return sum(p.numel() for p in build_encoder(80, config).parameters())


@pytest.mark.parametrize("config", SMALL, ids=lambda config: config.kind)
def test_contract(config):
    encoder = build_encoder(40, config).eval()
    assert isinstance(encoder, SpeakerEncoder)
    for frames in (10, 57, 300):
        assert encoder(torch.randn(2, frames, 40)).shape == (2, encoder.embedding_dim) == (2, 24)


@pytest.mark.parametrize("config", SMALL, ids=lambda config: config.kind)
def test_a_row_depends_on_itself_alone_and_repeats(config):
    encoder = build_encoder(40, config).eval()
    features = torch.randn(5, 60, 40)
    with torch.inference_mode():
        together = encoder(features)
        torch.testing.assert_close(encoder(features), together, atol=0, rtol=0)
        for row in range(5):
            torch.testing.assert_close(
                encoder(features[row : row + 1])[0], together[row], atol=1e-5, rtol=1e-5
            )


@pytest.mark.parametrize("config", SMALL, ids=lambda config: config.kind)
def test_gradients_reach_every_weight(config):
    encoder = build_encoder(40, config).train()
    encoder(torch.randn(4, 50, 40)).square().sum().backward()
    still = [name for name, p in encoder.named_parameters() if p.grad is None or not p.grad.isfinite().all()]
    assert still == []


def test_sizes_reach_from_less_than_half_a_million_to_twenty_million():
    small = EcapaConfig(
        channels=96, embedding_dim=128, attention_channels=64, se_channels=48, res2net_scale=4
    )
    assert parameters(small) < 450_000
    assert parameters(EcapaConfig(channels=512)) == pytest.approx(6.2e6, rel=0.05)  # the paper's C = 512
    assert parameters(EcapaConfig(channels=1024)) == pytest.approx(
        20.8e6, rel=0.05
    )  # speechbrain's VoxCeleb model
    assert parameters(ResNetConfig()) < 600_000
    assert parameters(XVectorConfig()) == pytest.approx(4.2e6, rel=0.05)


def test_skipping_empty_padding_changes_no_result():
    encoder = build_encoder(40, SMALL[0]).eval()
    features = torch.randn(2, 50, 40)
    skipped = encoder(features)
    for layer in encoder.modules():
        if getattr(layer, "padding", None) == "valid":
            layer.padding = "same"
    torch.testing.assert_close(encoder(features), skipped, atol=0, rtol=0)
