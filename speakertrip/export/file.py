"""A bundle as an ONNX file on the disk, written and checked, or not there."""

import os
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from speakertrip.audio import SAMPLE_RATE
from speakertrip.bundle import Bundle
from speakertrip.config import OnnxConfig
from speakertrip.errors import BundleError, StorageError, UsageError
from speakertrip.export.check import Agreement, check
from speakertrip.export.properties import properties_of
from speakertrip.manifests.lines import FilePath, replacing


@dataclass(frozen=True, slots=True)
class Export:
    """An ONNX file that was written.

    Attributes:
        bundle: what it was made of.
        size: in bytes.
        properties: those of the file, by name.
        agreement: of its embeddings and the bundle's.
    """

    bundle: Bundle
    size: int
    properties: dict[str, str]
    agreement: Agreement

    def summary(self) -> dict[str, Any]:
        """Return what it is, as JSON; ``threshold``, of cosines, is null where none is known."""
        source, threshold = self.bundle.source, self.properties.get("threshold")
        return {
            "bytes": self.size,
            "model": source.name if source else None,
            "commit": (source and source.commit) or None,
            "identity": self.bundle.identity,
            "encoder": self.bundle.encoder.kind,
            "embedding_dim": self.bundle.model.embedding_dim,
            "sample_rate": SAMPLE_RATE,
            "threshold": None if threshold is None else float(threshold),
            "cosine": self.agreement.cosine,
            "difference": self.agreement.difference,
        }


def export_onnx(
    model: FilePath | None, out: FilePath, revision: str | None = None, token: str | None = None
) -> Export:
    """Write a model as one ONNX file, from waveforms to embeddings; an older one is replaced at once or not at all.

    The file takes ``waveform``, float32 ``(batch, samples)`` at 16 kHz of at least 0.1 s, all rows of equal length, and
    gives ``embedding``, float32 ``(batch, embedding_dim)``, raw: not of unit length. It gets its name when onnxruntime
    was seen to give the embeddings of the model.

    It is the model of speech up to 30 s, its property ``longest_seconds``. Silence beyond a margin at its ends
    ``Embedder`` leaves out, and what is longer or mostly pauses it embeds in windows that count by their speech
    (``speakertrip.audio.windows``); the file takes all as one: another embedding.

    Args:
        model: folder, or ``ORG/NAME`` of the hub; None: the model that ships with speakertrip.
        out: the file.
        revision: branch, tag or commit on the hub; None: its main branch.
        token: of the hub; None: the one that the user is logged in with, if any.

    Raises:
        BundleError: as of ``Bundle.load``; or the model is an ONNX file already, or the export differs from it.
        StorageError: it cannot be written, or another file, that is no such export, is there.
        UsageError: as of ``Bundle.load``; or a package of the extra ``onnx`` is missing.
    """
    if missing := [name for name in ("onnx", "onnxruntime") if find_spec(name) is None]:
        raise UsageError(f"An export to ONNX needs {missing[0]}: pip install 'speakertrip[onnx]'.")
    from speakertrip.export.graph import make_graph

    _require_free(out)
    bundle = Bundle.load(model, revision, token)
    if isinstance(bundle.encoder, OnnxConfig):
        raise BundleError(
            f"{bundle.source} is an ONNX file already, from features to embeddings, and is not exported anew; name a "
            "model of another kind."
        )
    properties = properties_of(bundle)
    try:
        content = make_graph(bundle.model, properties, bundle.card)
        with replacing(out) as temporary:
            temporary.write_bytes(content)
            agreement = check(temporary.read_bytes(), bundle.model)
    except ValueError as error:
        raise BundleError(
            f"{out} is not written, for the ONNX form of {bundle.source} fails: {error}."
        ) from None
    return Export(bundle, len(content), properties, agreement)


def _require_free(out: FilePath) -> None:
    from speakertrip.export.graph import is_ours

    if not os.path.lexists(out):
        return
    path = Path(out)
    try:
        ours = path.is_file() and is_ours(path.read_bytes())
    except OSError as error:
        raise StorageError(f"Cannot write {out}: {error.strerror}.") from None
    if not ours:
        raise StorageError(f"{out} is there already, and is no export of a bundle; name another file.")
