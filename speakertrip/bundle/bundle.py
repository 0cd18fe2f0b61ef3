"""The bundle: a trained model and the threshold that belongs to it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from os import PathLike
from pathlib import Path

import numpy as np
import safetensors
import safetensors.numpy
import safetensors.torch
import torch
from pydantic import Field, ValidationError

from speakertrip.backend import Backend, BackendOptions, pack, unpack
from speakertrip.bundle.files import read_folder, write_folder
from speakertrip.bundle.layouts import (
    BACKEND,
    BACKEND_ARRAYS,
    CALIBRATION,
    CARD,
    CONFIG,
    HYPERPARAMS,
    WEIGHTS,
    BundleConfig,
    kind_of,
)
from speakertrip.bundle.model import SpeakerModel
from speakertrip.bundle.source import Source, locate
from speakertrip.config import AnyFeatureConfig, EncoderConfig, Frozen
from speakertrip.errors import BundleError, ConfigError


class Calibration(Frozen):
    """The threshold, and the trials that it was found on: speakers held out of training.

    Attributes:
        threshold: accept a score of the backend at or above it.
        eer: equal error rate at that threshold, a fraction.
        eer_interval: its 95 % interval by a bootstrap over speakers.
        trials: how many trials, of which ``targets`` are target trials, of ``speakers`` speakers.
        held_out: hash of the names of the speakers that were held out of the training; empty where that is not known.
    """

    threshold: float
    eer: float = Field(ge=0, le=1)
    eer_interval: tuple[float, float] | None = None
    trials: int = Field(ge=2)
    targets: int = Field(ge=1)
    speakers: int = Field(ge=2)
    held_out: str = ""


@dataclass(frozen=True, slots=True)
class Bundle:
    """A model directory in memory.

    Attributes:
        features: configuration of the front end.
        encoder: configuration of the encoder.
        model: front end and encoder, in evaluation mode.
        calibration: the threshold and where it comes from; None of a model from elsewhere, of which none is known.
        card: the model card, Markdown.
        backend: how embeddings are scored; the cosine unless something was fitted.
        identity: hexadecimal hash of configuration and weights; embeddings of different identities are never
            compared. Empty until the bundle is loaded.
        source: what it was loaded from, with the commit if that is the hub; None until then.
    """

    features: AnyFeatureConfig
    encoder: EncoderConfig
    model: SpeakerModel
    calibration: Calibration | None
    card: str
    backend: Backend = field(default_factory=Backend)
    identity: str = ""
    source: Source | None = None

    @classmethod
    def load(
        cls, path: str | PathLike[str], revision: str | None = None, token: str | None = None
    ) -> "Bundle":
        """Read a bundle and check it: checksums, format, shapes, finite weights.

        Args:
            path: a folder; or ``ORG/NAME`` of the hub, where there is no such folder.
            revision: branch, tag or commit on the hub; None: its main branch.
            token: of the hub; None: the one that the user is logged in with, if any.

        Raises:
            BundleError: something is missing, changed, from a newer version, or not finite; or cannot be fetched.
            StorageError: what is fetched cannot be written.
            UsageError: a revision of a folder.
        """
        folder, source = locate(path, revision, token)
        files, told_by = _read(folder, source)
        try:
            entries = json.loads(files[CONFIG])
            if isinstance(entries, dict) and isinstance(entries.get("format"), int) and entries["format"] > 1:
                raise BundleError(
                    f"The bundle {source} has format {entries['format']}; update speakertrip to read it."
                )
            config = BundleConfig.model_validate(entries)
            calibration = (
                Calibration.model_validate_json(files[CALIBRATION]) if CALIBRATION in files else None
            )
            weights = safetensors.torch.load(files[WEIGHTS])
            backend = _read_backend(files, config.encoder.embedding_dim)
        except (ValidationError, ValueError, safetensors.SafetensorError) as error:
            raise BundleError(f"The bundle {source} is malformed: {_reason(error)}.") from None
        broken = [name for name, tensor in weights.items() if not tensor.isfinite().all()]
        if broken:
            raise BundleError(f"The bundle {source} holds weights that are not finite numbers ({broken[0]}).")
        try:
            model = SpeakerModel(config.features, config.encoder)
            model.encoder.load_state_dict(weights)
        except (
            RuntimeError,
            ValueError,
            ConfigError,
        ) as error:  # torch lists every name and shape, on lines of their own
            raise BundleError(
                f"The weights of {source} do not fit its {told_by}: {' '.join(str(error).split())[:200]}; "
                "copy it anew."
            ) from None
        return cls(
            config.features,
            config.encoder,
            model.eval(),
            calibration,
            files[CARD].decode("utf-8", "replace"),
            backend,
            _identity(files[CONFIG], files[WEIGHTS]),
            source,
        )

    @property
    def threshold(self) -> float:
        """Accept a score of the backend at or above it.

        Raises:
            BundleError: none is known, of a model from elsewhere that was never calibrated.
        """
        if self.calibration is None:
            raise BundleError(
                f"No threshold is known of the model {self.source or ''}".rstrip()
                + ": fit one to trials of your own by `speakertrip backend`, or say one by --threshold."
            )
        return self.calibration.threshold

    @property
    def held_out(self) -> str:
        """Hash of the names of the speakers that were held out of the training; empty where that is not known."""
        return self.calibration.held_out if self.calibration else ""

    def with_backend(self, backend: Backend, calibration: Calibration) -> "Bundle":
        """Return the same model with another backend and the threshold of its scores; the card says so."""
        seen = backend.fitted_on.name if backend.fitted_on else "no trials"
        card = (
            f"{self.card.rstrip()}\n\n## Backend\n\nScores are normalised and calibrated by what was fitted to {seen} "
            f"({calibration.trials} trials, {calibration.targets} target, {calibration.speakers} speakers). "
            f"What the card says above of a threshold holds no more; it is {calibration.threshold:.4f}.\n"
        )
        return replace(self, backend=backend, calibration=calibration, card=card)

    def save(self, path: str | PathLike[str]) -> None:
        """Write the bundle as a folder, replacing an older one at once or not at all.

        Raises:
            StorageError: it cannot be written.
        """
        write_folder(Path(path), self.files())

    @staticmethod
    def same_model(folder: Path, files: Mapping[str, bytes]) -> bool:
        """Tell whether a folder is a whole bundle of the front end, encoder and weights of ``files``."""
        try:
            there = read_folder(folder, (CONFIG, WEIGHTS))
        except BundleError:
            return False
        return all(there[name] == files[name] for name in (CONFIG, WEIGHTS))

    def files(self) -> dict[str, bytes]:
        """Return what ``save`` writes: the content of each file, by name."""
        config = BundleConfig(features=self.features, encoder=self.encoder)
        weights = {
            name: tensor.cpu().contiguous() for name, tensor in self.model.encoder.state_dict().items()
        }
        calibration = self.calibration
        with torch.no_grad():
            return {
                CONFIG: config.model_dump_json(indent=2).encode(),
                WEIGHTS: safetensors.torch.save(weights),
                **({CALIBRATION: calibration.model_dump_json(indent=2).encode()} if calibration else {}),
                CARD: self.card.encode(),
                **_write_backend(self.backend),
            }


def _read(folder: Path, source: Source) -> tuple[dict[str, bytes], str]:
    """Return the files of a bundle, made of another toolkit's model if need be, and what tells of its encoder."""
    if kind_of([path.name for path in folder.iterdir()] if folder.is_dir() else ()) == "speechbrain":
        from speakertrip.bundle.speechbrain import read_speechbrain  # only here is YAML read

        return read_speechbrain(folder, source), HYPERPARAMS
    return read_folder(folder, (CONFIG, WEIGHTS, CARD)), CONFIG


def _read_backend(files: Mapping[str, bytes], dim: int) -> Backend:
    if BACKEND not in files:
        return Backend()
    options = BackendOptions.model_validate_json(files[BACKEND])
    return unpack(options, safetensors.numpy.load(files.get(BACKEND_ARRAYS, b"")), dim)


def _write_backend(backend: Backend) -> dict[str, bytes]:
    options, arrays = pack(backend)
    if options == BackendOptions() and not arrays:
        return {}
    rows = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    return {
        BACKEND: options.model_dump_json(indent=2).encode(),
        BACKEND_ARRAYS: safetensors.numpy.save(rows),
    }


def _identity(config: bytes, weights: bytes) -> str:
    return hashlib.sha256(hashlib.sha256(config).digest() + hashlib.sha256(weights).digest()).hexdigest()


def _reason(error: ValueError | safetensors.SafetensorError) -> str:
    if isinstance(error, ValidationError):
        problem = error.errors()[0]
        return f"{'.'.join(map(str, problem['loc'])) or 'the file'}: {problem['msg']}"
    return str(error).rstrip(".")
