"""The bundle: a trained model and the threshold that belongs to it."""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from os import PathLike
from pathlib import Path
from typing import Literal

import numpy as np
import safetensors
import safetensors.numpy
import safetensors.torch
import torch
from pydantic import ValidationError

from speakertrip.backend import Backend, BackendOptions, Choice, Threshold, pack, resolve, unpack
from speakertrip.bundle.calibration import Calibration
from speakertrip.bundle.files import read_folder, write_folder
from speakertrip.bundle.model import SpeakerModel
from speakertrip.config import EncoderConfig, FeatureConfig, Frozen
from speakertrip.errors import BundleError, ConfigError

CONFIG, WEIGHTS, CALIBRATION, CARD = "config.json", "model.safetensors", "calibration.json", "README.md"
BACKEND, BACKEND_ARRAYS = "backend.json", "backend.safetensors"  # of a bundle that does more than the cosine


class _Config(Frozen):
    """What ``config.json`` holds."""

    format: Literal[1] = 1
    features: FeatureConfig
    encoder: EncoderConfig


@dataclass(frozen=True, slots=True)
class Bundle:
    """A model directory in memory.

    Attributes:
        features: configuration of the front end.
        encoder: configuration of the encoder.
        model: front end and encoder, in evaluation mode.
        calibration: the threshold and where it comes from.
        card: the model card, Markdown.
        backend: how embeddings are scored; the cosine unless something was fitted.
        identity: hexadecimal hash of configuration and weights; embeddings of different identities are never
            compared. Empty until the bundle is loaded.
    """

    features: FeatureConfig
    encoder: EncoderConfig
    model: SpeakerModel
    calibration: Calibration
    card: str
    backend: Backend = field(default_factory=Backend)
    identity: str = ""

    @classmethod
    def load(cls, path: str | PathLike[str]) -> "Bundle":
        """Read a bundle and check it: checksums, format, shapes, finite weights.

        Raises:
            BundleError: something is missing, changed, from a newer version, or not finite.
        """
        if not os.fspath(path):  # to Path, the current folder
            raise BundleError("The path of the bundle is empty; name its directory.")
        folder = Path(path)
        files = read_folder(folder, (CONFIG, WEIGHTS, CALIBRATION, CARD))
        try:
            entries = json.loads(files[CONFIG])
            if isinstance(entries, dict) and isinstance(entries.get("format"), int) and entries["format"] > 1:
                raise BundleError(
                    f"The bundle {folder} has format {entries['format']}; update speakertrip to read it."
                )
            config = _Config.model_validate(entries)
            calibration = Calibration.model_validate_json(files[CALIBRATION])
            weights = safetensors.torch.load(files[WEIGHTS])
            backend = _read_backend(files, config.encoder.embedding_dim)
        except (ValidationError, ValueError, safetensors.SafetensorError) as error:
            raise BundleError(f"The bundle {folder} is malformed: {_reason(error)}.") from None
        broken = [name for name, tensor in weights.items() if not tensor.isfinite().all()]
        if broken:
            raise BundleError(f"The bundle {folder} holds weights that are not finite numbers ({broken[0]}).")
        try:
            model = SpeakerModel(config.features, config.encoder)
            model.encoder.load_state_dict(weights)
        except (
            RuntimeError,
            ValueError,
            ConfigError,
        ) as error:  # torch lists every name and shape, on lines of their own
            raise BundleError(
                f"The weights of {folder} do not fit its {CONFIG}: {' '.join(str(error).split())[:200]}; "
                "copy the bundle anew."
            ) from None
        return cls(
            config.features,
            config.encoder,
            model.eval(),
            calibration,
            files[CARD].decode("utf-8", "replace"),
            backend,
            _identity(files[CONFIG], files[WEIGHTS]),
        )

    def with_backend(self, backend: Backend, calibration: Calibration) -> "Bundle":
        """Return the same model with another backend and the threshold of its scores; the card says so."""
        seen = backend.fitted_on.name if backend.fitted_on else "no trials"
        card = (
            f"{self.card.rstrip()}\n\n## Backend\n\nScores are normalised and calibrated by what was fitted to {seen} "
            f"({calibration.trials} trials, {calibration.targets} target, {calibration.speakers} speakers). "
            f"What the card says above of thresholds holds no more; the one at the equal error rate is "
            f"{calibration.threshold:.4f}.\n"
        )
        if table := calibration.card():
            card += f"\n{table}"
        return replace(self, backend=backend, calibration=calibration, card=card)

    def threshold(self, choice: Choice | None = None) -> Threshold:
        """Return the threshold of an operating point, and how often it is expected to err.

        Args:
            choice: a ``FalseAlarmRate``, or an ``OperatingPoint``: a prior and costs; None: the bundle's own threshold,
                at the equal error rate of the trials that it was found on.

        Raises:
            UsageError: the bundle cannot say the threshold of this choice.
        """
        calibration = self.calibration
        return resolve(
            choice, calibration.threshold, calibration.false_alarms, self.backend.calibration is not None
        )

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
        config = _Config(features=self.features, encoder=self.encoder)
        weights = {
            name: tensor.cpu().contiguous() for name, tensor in self.model.encoder.state_dict().items()
        }
        with torch.no_grad():
            return {
                CONFIG: config.model_dump_json(indent=2).encode(),
                WEIGHTS: safetensors.torch.save(weights),
                CALIBRATION: self.calibration.model_dump_json(indent=2).encode(),
                CARD: self.card.encode(),
                **_write_backend(self.backend),
            }


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
