import pytest
import torch

from speakertrip.bundle import SpeakerModel
from speakertrip.config import EcapaConfig, FeatureConfig, XVectorConfig

ENCODERS = [
    EcapaConfig(channels=16, embedding_dim=24, attention_channels=8, se_channels=8, res2net_scale=4),
    XVectorConfig(channels=16, pooling_channels=24, embedding_dim=12),
]


@pytest.mark.parametrize("encoder", ENCODERS, ids=lambda encoder: encoder.kind)
def test_the_front_end_and_the_encoder_one_after_the_other(encoder):
    model = SpeakerModel(FeatureConfig(mels=40), encoder).eval()
    waveforms = torch.randn(2, 8000)
    with torch.inference_mode():
        embeddings = model(waveforms)
        torch.testing.assert_close(embeddings, model.encoder(model.log_mel(waveforms)), atol=0, rtol=0)
        assert model(torch.randn(1, 1600)).isfinite().all()  # 0.1 s, the shortest that is allowed
    assert embeddings.shape == (2, model.embedding_dim) == (2, encoder.embedding_dim)


def test_what_is_learnt_is_all_in_the_encoder():
    model = SpeakerModel(FeatureConfig(mels=40), ENCODERS[0])
    learnt = {name for name, _ in model.named_parameters()}
    assert learnt == {f"encoder.{name}" for name, _ in model.encoder.named_parameters()}
