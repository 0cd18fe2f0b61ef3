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
from pydantic import ValidationError

from speakertrip.backend import Backend, BackendOptions, Choice, Threshold, pack, resolve, unpack
from speakertrip.bundle.calibration import Calibration
from speakertrip.bundle.card import with_backend_section
from speakertrip.bundle.files import SUMS, read_folder, write_folder
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
    names_in,
    onnx_files,
)
from speakertrip.bundle.model import SpeakerModel
from speakertrip.bundle.source import Source, locate
from speakertrip.bundle.weights import pack_weights, unpack_weights, weights_file
from speakertrip.config import AnyEncoderConfig, AnyFeatureConfig
from speakertrip.errors import BundleError, ConfigError


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
    encoder: AnyEncoderConfig
    model: SpeakerModel
    calibration: Calibration | None
    card: str
    backend: Backend = field(default_factory=Backend)
    identity: str = ""
    source: Source | None = None

    @classmethod
    def load(
        cls, path: str | PathLike[str] | None = None, revision: str | None = None, token: str | None = None
    ) -> "Bundle":
        """Read a bundle and check it: checksums, format, shapes, finite weights.

        A folder, or a model of the hub, may also hold a SpeechBrain ECAPA-TDNN or x-vector (``hyperparams.yaml`` and
        ``embedding_model.ckpt``) or one ONNX file in WeSpeaker's manner. Nothing that these hold is run but the network
        of an ONNX file. Its identity is that of the bundle that ``save`` writes of it.

        Args:
            path: a folder; or ``ORG/NAME`` of the hub, where there is no such folder; None: the model that ships with
                speakertrip.
            revision: branch, tag or commit on the hub; None: its main branch.
            token: of the hub; None: the one that the user is logged in with, if any.

        Raises:
            BundleError: something is missing, changed, from a newer version, or not finite; or cannot be fetched.
            StorageError: what is fetched cannot be written.
            UsageError: a revision of a folder, or an ONNX file without onnxruntime.
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
            backend = _read_backend(files, config.encoder.embedding_dim)
        except (ValidationError, ValueError, safetensors.SafetensorError) as error:
            raise BundleError(f"The bundle {source} is malformed: {_reason(error)}.") from None
        weights = weights_file(config.encoder)
        if weights not in files:
            raise BundleError(f"The bundle {source} is incomplete: {weights} cannot be read.")
        model = _model(config, files[weights], source, told_by)
        return cls(
            config.features,
            config.encoder,
            model.eval(),
            calibration,
            files[CARD].decode("utf-8", "replace"),
            backend,
            _identity(files[CONFIG], files[weights]),
            source,
        )

    @property
    def held_out(self) -> str:
        """Hash of the names of the speakers that were held out of the training; empty where that is not known."""
        return self.calibration.held_out if self.calibration else ""

    def with_backend(self, backend: Backend, calibration: Calibration) -> "Bundle":
        """Return the same model with another backend and the threshold of its scores.

        The card ends with a section about them, in place of an earlier one.
        """
        card = with_backend_section(self.card, backend, calibration)
        return replace(self, backend=backend, calibration=calibration, card=card)

    def threshold(self, choice: Choice | None = None) -> Threshold:
        """Return the threshold of an operating point, and how often it is expected to err.

        Args:
            choice: a ``FalseAlarmRate``, an ``OperatingPoint``: a prior and costs, or a ``GivenThreshold``; None: the
                bundle's own threshold, at the equal error rate of the trials that it was found on.

        Raises:
            BundleError: nothing was chosen, and none is known, of a model from elsewhere that was never calibrated.
            UsageError: the bundle cannot say the threshold of this choice.
        """
        found, calibrated = self.calibration, self.backend.calibration is not None
        if found is not None:
            return resolve(choice, found.threshold, found.false_alarms, calibrated)
        if choice is None:
            raise BundleError(
                f"No threshold is known of the model {self.source or ''}".rstrip()
                + ": fit one to trials of your own by `speakertrip backend`, or say one by --threshold."
            )
        return resolve(choice, None, None, calibrated)

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
        calibration = self.calibration
        return {
            CONFIG: config.model_dump_json(indent=2).encode(),
            weights_file(self.encoder): pack_weights(self.model.encoder),
            **({CALIBRATION: calibration.model_dump_json(indent=2).encode()} if calibration else {}),
            CARD: self.card.encode(),
            **_write_backend(self.backend),
        }


def _read(folder: Path, source: Source) -> tuple[dict[str, bytes], str]:
    """Return the files of a bundle, made of another toolkit's model if need be, and what tells of its encoder."""
    names = names_in(folder)
    match kind_of(names):
        case "speechbrain":
            from speakertrip.bundle.speechbrain import read_speechbrain  # only here is YAML read

            return read_speechbrain(folder, source), HYPERPARAMS
        case "onnx":
            from speakertrip.bundle.wespeaker import read_onnx

            return read_onnx(folder, source), CONFIG
    if SUMS not in names and len(onnx_files(names)) > 1:
        raise BundleError(
            f"{source} holds several ONNX files ({', '.join(onnx_files(names)[:3])}); keep one of them in a folder."
        )
    return read_folder(folder, (CONFIG, CARD)), CONFIG


def _model(config: BundleConfig, weights: bytes, source: Source, told_by: str) -> SpeakerModel:
    """Return the model of a configuration with the weights of the content of their file."""
    try:
        model = SpeakerModel(config.features, config.encoder)
        unpack_weights(model.encoder, weights)
    except ValueError as error:
        raise BundleError(f"The bundle {source} is malformed: {_reason(error)}.") from None
    except (RuntimeError, ConfigError) as error:
        problem = " ".join(str(error).split())[:200]
        raise BundleError(
            f"The weights of {source} do not fit its {told_by}: {problem}; copy it anew."
        ) from None
    return model


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
