"""What each encoder costs: parameters, the size of its weights, embedding and training.

One thread; front end and encoder on 3 s of audio, and on 32 crops of 1.5 s forward and backward. The peer is
SpeechBrain's own ECAPA-TDNN of 512 channels behind its Fbank and InputNormalization. Encoders are measured in turns, by
the processor's time, which on an idle machine is the time that passes: the median of each, and of its ratio to the peer
of the same turn, below 1 where ours is faster.

    python benchmarks/speed.py --rounds 7
"""

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from speechbrain.lobes.features import Fbank
from speechbrain.lobes.models.ECAPA_TDNN import ECAPA_TDNN
from speechbrain.processing.features import InputNormalization
from torch import Tensor, nn

from speakertrip.bundle import SpeakerModel
from speakertrip.bundle.weights import pack_weights
from speakertrip.config import EcapaConfig, EncoderConfig, FeatureConfig, ResNetConfig, XVectorConfig

DIM = 128  # of an embedding, as in recipes/openspeech
SECOND = 16_000  # samples
EMBEDDED, CROPS = (1, 3 * SECOND), (32, SECOND * 3 // 2)
WIDTHS, THIN = (128, 256, 512), (8, 16, 24, 32)
PEER = "SpeechBrain's ECAPA-TDNN, 512"


class SpeechBrainEcapa(nn.Module):
    """The peer: front end and encoder as its recipe for VoxCeleb has them."""

    def __init__(self) -> None:
        super().__init__()
        self.features = Fbank(n_mels=80)
        self.normalize = InputNormalization(norm_type="sentence", std_norm=False)
        self.encoder = ECAPA_TDNN(80, lin_neurons=DIM, channels=[512, 512, 512, 512, 1536])

    def forward(self, waveforms: Tensor) -> Tensor:
        """Embed ``(batch, samples)``."""
        lengths = torch.ones(len(waveforms))
        embeddings: Tensor = self.encoder(self.normalize(self.features(waveforms), lengths), lengths)
        return embeddings


@dataclass(frozen=True, slots=True)
class Times:
    """Milliseconds of each turn."""

    embedding: list[float]
    training: list[float]


def encoders() -> dict[str, nn.Module]:
    """Return the models by name, the peer first."""
    configs: dict[str, EncoderConfig] = {"x-vector": XVectorConfig(embedding_dim=DIM)}
    configs |= {f"ECAPA-TDNN, {width}": EcapaConfig(channels=width, embedding_dim=DIM) for width in WIDTHS}
    configs |= {f"thin ResNet, {width}": ResNetConfig(channels=width, embedding_dim=DIM) for width in THIN}
    ours = {name: SpeakerModel(FeatureConfig(), config) for name, config in configs.items()}
    return {PEER: SpeechBrainEcapa(), **ours}


def milliseconds(work: Callable[[], None]) -> float:
    """Return the processor's time of a piece of work."""
    began = time.process_time()
    work()
    return 1000 * (time.process_time() - began)


def embed(model: nn.Module) -> None:
    """Embed 3 s of audio."""
    with torch.inference_mode():
        model.eval()(torch.randn(EMBEDDED))


def train(model: nn.Module) -> None:
    """Go forward and backward through 32 crops."""
    model.zero_grad()
    model.train()(torch.randn(CROPS)).square().mean().backward()


def measure(models: dict[str, nn.Module], rounds: int) -> dict[str, Times]:
    """Measure in turns, so that a change of the machine's speed meets all."""
    times = {name: Times([], []) for name in models}
    for model in models.values():
        embed(model)
        train(model)
    for _ in range(rounds):
        for name, model in models.items():
            embed(model)  # what training left in the caches is no part of it
            times[name].embedding.append(milliseconds(lambda model=model: embed(model)))  # type: ignore[misc]
        for name, model in models.items():
            times[name].training.append(milliseconds(lambda model=model: train(model)))  # type: ignore[misc]
    return times


def in_words(found: list[float], peer: list[float]) -> str:
    """Return the median, and that of the ratios, as two cells."""
    ratio = statistics.median(ours / theirs for ours, theirs in zip(found, peer, strict=True))
    return f"{statistics.median(found):,.0f} ms | {ratio:.2f}"


def main() -> None:
    """Print a table of Markdown."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=7)
    rounds: int = parser.parse_args().rounds
    torch.set_num_threads(1)
    torch.manual_seed(0)
    models = encoders()
    times = measure(models, rounds)
    print("| encoder, channels | parameters | weights | 3 s of audio | ratio | 32 crops, training | ratio |")
    print("|---|---|---|---|---|---|---|")
    for name, found in times.items():
        encoder = models[name].get_submodule("encoder")
        parameters = sum(each.numel() for each in encoder.parameters())
        size = len(pack_weights(encoder))
        print(
            f"| {name} | {parameters / 1e6:.2f} M | {size / 1e6:.1f} MB "
            f"| {in_words(found.embedding, times[PEER].embedding)} "
            f"| {in_words(found.training, times[PEER].training)} |"
        )


if __name__ == "__main__":
    main()
