"""SpeechBrain's speaker models, as ``speechbrain/spkrec-ecapa-voxceleb`` and ``speechbrain/spkrec-xvect-voxceleb``."""

from pathlib import Path

import torch
from pydantic import ValidationError
from torch import Tensor

from speakertrip.bundle.foreign import as_bundle
from speakertrip.bundle.layouts import CARD, CHECKPOINT, HYPERPARAMS, BundleConfig
from speakertrip.bundle.source import Source
from speakertrip.bundle.speechbrain_hyperparams import read_hyperparams
from speakertrip.bundle.weights import pack_tensors
from speakertrip.errors import BundleError


def read_speechbrain(folder: Path, source: Source) -> dict[str, bytes]:
    """Return a SpeechBrain model as the files of a bundle, by name.

    Its embeddings are those of ``EncoderClassifier.encode_batch`` (the x-vector's without the noise that SpeechBrain
    adds to its mean over time). The mean of embeddings and the classifier that may lie beside it are not used, as
    ``SpeakerRecognition.verify_batch`` does not.

    Args:
        folder: with ``hyperparams.yaml``, of which nothing is run, and ``embedding_model.ckpt``, which may hold
            nothing but tensors.
        source: where it is from.

    Raises:
        BundleError: a file is missing or holds anything else.
    """
    try:
        features, encoder = read_hyperparams((folder / HYPERPARAMS).read_bytes())
    except ValidationError as error:
        problem = error.errors()[0]
        reason = f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}"
        raise BundleError(f"{HYPERPARAMS} of {source} is of another model: {reason}.") from None
    except ValueError as error:
        raise BundleError(f"{HYPERPARAMS} of {source} is of another model: {error}.") from None
    except OSError as error:
        raise BundleError(f"{HYPERPARAMS} of {source} cannot be read: {error.strerror}.") from None
    card = (folder / CARD).read_bytes() if (folder / CARD).is_file() else b""
    weights = {
        f"model.{name}": tensor for name, tensor in _read_checkpoint(folder / CHECKPOINT, source).items()
    }
    config = BundleConfig(features=features, encoder=encoder)
    return as_bundle(config, pack_tensors(weights), "a SpeechBrain checkpoint", source, card)


def _read_checkpoint(path: Path, source: Source) -> dict[str, Tensor]:
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise BundleError(f"{path.name} of {source} cannot be read: {error.strerror}.") from None
    except Exception:  # of unpickling, unzipping, or a malformed file: torch promises no type
        raise BundleError(
            f"{path.name} of {source} is no checkpoint of tensors alone: it is damaged, or holds objects that would "
            "run code; take it anew from where it was published."
        ) from None
    if (
        not isinstance(found, dict)
        or not found
        or not all(isinstance(value, Tensor) for value in found.values())
    ):
        raise BundleError(f"{path.name} of {source} holds no weights by name.")
    return {str(name): tensor for name, tensor in found.items()}
