"""Models from elsewhere as bundles on the disk."""

from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Literal

from speakertrip.bundle.bundle import Bundle
from speakertrip.bundle.files import write_folder
from speakertrip.bundle.layouts import kind_of, names_in
from speakertrip.bundle.source import locate, require_not_shipped
from speakertrip.errors import UsageError


def import_bundle(
    model: str | PathLike[str],
    out: str | PathLike[str],
    revision: str | None = None,
    token: str | None = None,
    window: Literal["hamming", "povey"] | None = None,
) -> Bundle:
    """Write a model as a bundle of its own, and return it as it was read.

    Args:
        model: folder, or ``ORG/NAME`` of the hub.
        out: folder of the bundle; one that is there is replaced.
        revision: branch, tag or commit on the hub; None: its main branch.
        token: of the hub; None: the one that the user is logged in with, if any.
        window: of the filter bank of an ONNX file, which cannot say so itself; None: Hamming's, as WeSpeaker's.

    Raises:
        BundleError: as of ``Bundle.load``.
        StorageError: it cannot be written.
        UsageError: as of ``Bundle.load``; or a window, of a model that is no ONNX file; or both are one folder; or it
            is that of the model that ships with speakertrip.
    """
    if _same(model, out):
        raise UsageError(f"{out} is the model itself; name another folder for its bundle.")
    require_not_shipped(out)
    found = Bundle.load(model, revision, token)
    if window is None:
        found.save(out)
        return found
    from speakertrip.bundle.wespeaker import read_onnx

    folder, source = locate(model, (found.source and found.source.commit) or None, token)
    if kind_of(names_in(folder)) != "onnx":
        raise UsageError(f"{model} says itself what its front end is; drop --window.")
    write_folder(Path(out), read_onnx(folder, source, window))
    return replace(Bundle.load(Path(out)), source=source)


def _same(model: str | PathLike[str], out: str | PathLike[str]) -> bool:
    try:
        return Path(model).samefile(out)
    except (OSError, ValueError):  # one of them is not there, or is no path
        return False
