"""The weights that a run begins with: those of a bundle or of another run's checkpoint."""

import warnings
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from torch import Tensor

from speakertrip.bundle import Bundle
from speakertrip.config import AnyEncoderConfig, AnyFeatureConfig, FeatureConfig
from speakertrip.errors import ConfigError, SpeakertripWarning, UsageError
from speakertrip.training.checkpoint import Origin, read_model
from speakertrip.training.processes import leads
from speakertrip.training.trainer import Trainer

BUNDLE = "bundle"  # the folder of a run that is one
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


def begin_with(trainer: Trainer, source: str | PathLike[str], origin: Origin) -> Taken:
    """Take over the weights of an encoder as far as they fit; the loss and the optimiser begin anew.

    Args:
        trainer: fresh.
        source: a bundle, a run folder that has one, or a checkpoint (``RUN/checkpoint.safetensors``), of which the
            weights in training are taken and not their average.
        origin: of the new run.

    Raises:
        UsageError: it has no name.
        BundleError, TrainingError: it cannot be read.
        ConfigError: it has another front end, which would feed the encoder other numbers, another kind of encoder, or
            no tensor that fits.

    Warns:
        SpeakertripWarning: speakers that the new run holds out may have trained it.
    """
    if not str(source):
        raise UsageError(
            "The model to begin with has no name; name a bundle, a run folder or a checkpoint (init=)."
        )
    config = origin.config
    features, encoder, held_out, weights = _read(source)
    if not isinstance(features, FeatureConfig):
        raise ConfigError(
            f"{source} has the front end {features.kind!r} of another toolkit, with which nothing is trained here; "
            "begin with another model."
        )
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
    if not any(name in fitting for name, _ in trainer.model.named_parameters()):  # counters always fit
        raise ConfigError(
            f"No tensor of {source} fits the encoder of the configuration; make [encoder] alike."
        )
    if held_out != origin.held_out and leads():
        warnings.warn(_leak(source, held_out), SpeakertripWarning, stacklevel=2)
    trainer.take(fitting)
    return Taken(str(source), tuple(fitting), tuple(name for name in own if name not in fitting))


def _leak(source: str | PathLike[str], held_out: str) -> str:
    fact = (
        "was trained with other speakers held out" if held_out else "does not say which speakers it held out"
    )
    return (
        f"{source} {fact}: where it was trained on speakers that validate this run, this run's error rates and "
        "threshold are too good. Give both the same manifest, seed and validation.speakers."
    )


def _read(source: str | PathLike[str]) -> tuple[AnyFeatureConfig, AnyEncoderConfig, str, dict[str, Tensor]]:
    """Return front end, encoder, hash of the speakers held out, and weights."""
    path = Path(source)
    if path.is_file():
        origin, weights = read_model(path)
        return origin.config.features, origin.config.encoder, origin.held_out, weights
    bundle = Bundle.load(path / BUNDLE if (path / BUNDLE).is_dir() else path)
    return bundle.features, bundle.encoder, bundle.held_out, bundle.model.state_dict()
