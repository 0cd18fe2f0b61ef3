"""The weights that a run begins with: those of a bundle or of another run's checkpoint."""

from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from torch import Tensor

from speakertrip.bundle import Bundle
from speakertrip.config import EncoderConfig, FeatureConfig, TrainConfig
from speakertrip.errors import ConfigError
from speakertrip.training.checkpoint import read_model
from speakertrip.training.trainer import Trainer

SHOWN = 3  # names in a message


@dataclass(frozen=True, slots=True)
class Taken:
    """Which tensors of an encoder were taken over; as text, a sentence.

    Attributes:
        source: of the weights.
        loaded: names of those that fit.
        skipped: names of those of the model in training that were left as they were drawn: absent from the source, or
            of another shape there.
    """

    source: str
    loaded: tuple[str, ...]
    skipped: tuple[str, ...]

    def __str__(self) -> str:
        shown = ", ".join(self.skipped[:SHOWN])
        more = f" and {len(self.skipped) - SHOWN} more" if len(self.skipped) > SHOWN else ""
        skipped = f"{len(self.skipped)} skipped ({shown}{more})" if self.skipped else "none skipped"
        return f"Began with {len(self.loaded)} tensors of {self.source}, {skipped}; the loss begins anew."


def begin_with(trainer: Trainer, source: str | PathLike[str], config: TrainConfig) -> Taken:
    """Take over the weights of an encoder as far as they fit; the loss and the optimiser begin anew.

    Args:
        trainer: fresh.
        source: a bundle, or a checkpoint (``RUN/checkpoint.safetensors``), of which the weights in training are taken
            and not their average.
        config: of the new run.

    Raises:
        BundleError, TrainingError: it cannot be read.
        ConfigError: it has another front end, which would feed the encoder other numbers, or another kind of encoder.
    """
    features, encoder, weights = _read(source)
    if features != config.features:
        raise ConfigError(f"{source} has another front end than the configuration; make [features] alike.")
    if encoder.kind != config.encoder.kind:
        raise ConfigError(
            f"{source} has the encoder {encoder.kind!r} and the configuration {config.encoder.kind!r}."
        )
    own = trainer.model.state_dict()
    fitting = {
        name: weights[name] for name in own if name in weights and weights[name].shape == own[name].shape
    }
    trainer.take(fitting)
    return Taken(str(source), tuple(fitting), tuple(name for name in own if name not in fitting))


def _read(source: str | PathLike[str]) -> tuple[FeatureConfig, EncoderConfig, dict[str, Tensor]]:
    if Path(source).is_file():
        config, weights = read_model(Path(source))
        return config.features, config.encoder, weights
    bundle = Bundle.load(source)
    return bundle.features, bundle.encoder, bundle.model.state_dict()
