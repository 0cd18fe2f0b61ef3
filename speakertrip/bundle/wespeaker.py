"""Encoders as ONNX files, in WeSpeaker's manner: ``feats`` of Kaldi's filter bank in, ``embs`` out."""

from pathlib import Path
from typing import Literal

from speakertrip.bundle.foreign import as_bundle
from speakertrip.bundle.layouts import CARD, BundleConfig, names_in, onnx_files
from speakertrip.bundle.source import Source
from speakertrip.config import KaldiFbankConfig, OnnxConfig
from speakertrip.encoders.onnx import embedding_dim_of
from speakertrip.errors import BundleError

MELS = 80


def read_onnx(
    folder: Path, source: Source, window: Literal["hamming", "povey"] = "hamming"
) -> dict[str, bytes]:
    """Return a folder's one ONNX file as the files of a bundle, by name.

    Args:
        folder: that holds it.
        source: where it is from.
        window: of the filter bank; WeSpeaker's own models take Hamming's.

    Raises:
        BundleError: it cannot be run, or is of another layout.
        UsageError: onnxruntime is not installed.
    """
    (name,) = onnx_files(names_in(folder))
    try:
        content = (folder / name).read_bytes()
        encoder = OnnxConfig(embedding_dim=embedding_dim_of(content, MELS))
    except OSError as error:
        raise BundleError(f"{name} of {source} cannot be read: {error.strerror}.") from None
    except ValueError as error:
        raise BundleError(f"{name} of {source} is no encoder in WeSpeaker's manner: {error}.") from None
    card = (folder / CARD).read_bytes() if (folder / CARD).is_file() else b""
    config = BundleConfig(features=KaldiFbankConfig(mels=MELS, window=window), encoder=encoder)
    return as_bundle(config, content, f"the ONNX file {name}", source, card)
