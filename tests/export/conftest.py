import pytest

from speakertrip.bundle import SpeakerModel
from speakertrip.config import EcapaConfig, FeatureConfig, ResNetConfig, SpeechBrainFbankConfig, XVectorConfig

ENCODERS = {
    "ecapa": EcapaConfig(channels=16, embedding_dim=24, attention_channels=8, se_channels=8, res2net_scale=2),
    "resnet": ResNetConfig(channels=4, embedding_dim=8, attention_channels=4),
    "xvector": XVectorConfig(channels=16, pooling_channels=24, embedding_dim=12),
}


@pytest.fixture(scope="session")
def make_model():
    """Return ``make(encoder, features, seed)``: a small model in evaluation mode, its statistics random too."""
    import torch

    def make(encoder="ecapa", features=None, seed=0):
        torch.manual_seed(seed)
        made = SpeakerModel(features or FeatureConfig(mels=24), ENCODERS[encoder])
        for name, tensor in made.state_dict().items():
            if name.endswith("running_mean"):
                tensor.add_(0.2 * torch.randn_like(tensor))
            elif tensor.is_floating_point():
                tensor.mul_(1 + torch.rand_like(tensor))
        return made.eval()

    return make


@pytest.fixture(params=["log-mel", "speechbrain-fbank"])
def features(request):
    """Return the configuration of each front end that can be exported."""
    return FeatureConfig(mels=24) if request.param == "log-mel" else SpeechBrainFbankConfig(mels=24)
