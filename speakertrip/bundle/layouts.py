"""What a folder of files holds: a bundle of ours, or a model in the layout of another toolkit."""

from collections.abc import Collection
from pathlib import Path
from typing import Literal

from speakertrip.bundle.files import SUMS, listed
from speakertrip.config import AnyFeatureConfig, EncoderConfig, Frozen

CONFIG, WEIGHTS, CALIBRATION, CARD = "config.json", "model.safetensors", "calibration.json", "README.md"
BACKEND, BACKEND_ARRAYS = "backend.json", "backend.safetensors"  # of a bundle that does more than the cosine


class BundleConfig(Frozen):
    """What ``config.json`` holds."""

    format: Literal[1] = 1
    features: AnyFeatureConfig
    encoder: EncoderConfig


def marker_of(names: Collection[str]) -> str | None:
    """Return the file that tells of what kind a model is, of the names of its files; None: of no known kind."""
    return SUMS if SUMS in names else None


def needed(folder: Path, names: Collection[str]) -> list[str]:
    """Return which files of a model are needed, there or not.

    Args:
        folder: that holds the file of ``marker_of``.
        names: of all files of the model.

    Raises:
        BundleError: one of them is a pickle, or the checksums cannot be read.
    """
    return [SUMS, *listed(folder)]
