"""What a folder of files holds: a bundle of ours, or a model in the layout of another toolkit."""

from collections.abc import Collection
from pathlib import Path
from typing import Literal

from speakertrip.bundle.files import SUMS, listed
from speakertrip.config import AnyFeatureConfig, EncoderConfig, Frozen

CONFIG, WEIGHTS, CALIBRATION, CARD = "config.json", "model.safetensors", "calibration.json", "README.md"
BACKEND, BACKEND_ARRAYS = "backend.json", "backend.safetensors"  # of a bundle that does more than the cosine
HYPERPARAMS, CHECKPOINT = "hyperparams.yaml", "embedding_model.ckpt"  # of SpeechBrain


class BundleConfig(Frozen):
    """What ``config.json`` holds."""

    format: Literal[1] = 1
    features: AnyFeatureConfig
    encoder: EncoderConfig


Kind = Literal["bundle", "speechbrain"]


def kind_of(names: Collection[str]) -> Kind | None:
    """Return of what kind a model is, by the names of its files; None: of none that is known."""
    if SUMS in names:
        return "bundle"
    return "speechbrain" if HYPERPARAMS in names else None


def marker_of(names: Collection[str]) -> str | None:
    """Return the file that a model is known by; None: it is of no known kind."""
    kind = kind_of(names)
    return None if kind is None else {"bundle": SUMS, "speechbrain": HYPERPARAMS}[kind]


def needed(folder: Path, names: Collection[str]) -> list[str]:
    """Return which files of a model are needed, there or not.

    Args:
        folder: that holds the file of ``marker_of``.
        names: of all files of the model.

    Raises:
        BundleError: one of them is a pickle, or the checksums cannot be read.
    """
    if kind_of(names) == "bundle":
        return [SUMS, *listed(folder)]
    return [HYPERPARAMS, CHECKPOINT, *({CARD} & set(names))]
