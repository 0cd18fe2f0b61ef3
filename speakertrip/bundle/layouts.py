"""What a folder of files holds: a bundle of ours, or a model in the layout of another toolkit."""

from collections.abc import Collection
from pathlib import Path
from typing import Literal

from speakertrip.bundle.files import SUMS, listed
from speakertrip.config import AnyEncoderConfig, AnyFeatureConfig, Frozen

CONFIG, WEIGHTS, CALIBRATION, CARD = "config.json", "model.safetensors", "calibration.json", "README.md"
BACKEND, BACKEND_ARRAYS = "backend.json", "backend.safetensors"  # of a bundle that does more than the cosine
ONNX = "encoder.onnx"  # in place of WEIGHTS, of a network of another toolkit
HYPERPARAMS, CHECKPOINT = "hyperparams.yaml", "embedding_model.ckpt"  # of SpeechBrain


class BundleConfig(Frozen):
    """What ``config.json`` holds."""

    format: Literal[1] = 1
    features: AnyFeatureConfig
    encoder: AnyEncoderConfig


Kind = Literal["bundle", "speechbrain", "onnx"]


def kind_of(names: Collection[str]) -> Kind | None:
    """Return of what kind a model is, by the names of its files; None: of none that is known."""
    if SUMS in names or {CONFIG, ONNX} <= set(names):  # the latter, of a bundle that lost its checksums
        return "bundle"
    if HYPERPARAMS in names:
        return "speechbrain"
    return "onnx" if len(onnx_files(names)) == 1 else None


def names_in(folder: Path) -> list[str]:
    """Return the names of the files of a folder; none where it cannot be read."""
    try:
        return [path.name for path in folder.iterdir()]
    except OSError:
        return []


def onnx_files(names: Collection[str]) -> list[str]:
    """Return those of some names that are of ONNX files, in no folder of their own."""
    return sorted(name for name in names if name.lower().endswith(".onnx") and "/" not in name)


def marker_of(names: Collection[str]) -> str | None:
    """Return the file that a model is known by; None: it is of no known kind."""
    kind = kind_of(names)
    if kind is None:
        return None
    return {"bundle": SUMS, "speechbrain": HYPERPARAMS}.get(kind) or onnx_files(names)[0]


def needed(folder: Path, names: Collection[str]) -> list[str]:
    """Return which files of a model are needed, there or not.

    Args:
        folder: that holds the file of ``marker_of``.
        names: of all files of the model.

    Raises:
        BundleError: one of them is a pickle, or the checksums cannot be read.
    """
    kind = kind_of(names)
    if kind == "bundle":
        return [SUMS, *listed(folder)]
    card = sorted({CARD} & set(names))
    return [*onnx_files(names), *card] if kind == "onnx" else [HYPERPARAMS, CHECKPOINT, *card]
