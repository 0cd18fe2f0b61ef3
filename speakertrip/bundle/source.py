"""Where a model is: with speakertrip, in a folder, or on the hub."""

import os
import re
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from speakertrip.audio.codec import AUDIO_SUFFIXES
from speakertrip.bundle.files import is_there
from speakertrip.bundle.layouts import marker_of, needed
from speakertrip.errors import BundleError, UsageError

HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+", re.ASCII)  # ORG/NAME
DEFAULT = Path(__file__).with_name("default")  # the bundle that ships with speakertrip
SHIPPED = "speakertrip's own model"


@dataclass(frozen=True, slots=True)
class Source:
    """What a model was asked for by, and what that was.

    Attributes:
        name: a folder, ``ORG/NAME`` of the hub, or what the model that ships with speakertrip is called.
        commit: 40 hexadecimal digits, of a model of the hub; empty for a folder.
    """

    name: str
    commit: str = ""

    def __str__(self) -> str:
        return f"{self.name} (commit {self.commit[:8]})" if self.commit else self.name


def locate(
    model: str | PathLike[str] | None = None, revision: str | None = None, token: str | None = None
) -> tuple[Path, Source]:
    """Return the folder of a model, fetched from the hub if need be, and where it comes from.

    A folder that exists wins; else what has the form ``ORG/NAME``, and is a string, is a model of the hub: but never a
    file that exists, nor what has the suffix of an audio file, nor what begins with ``/``, ``.`` or ``~``.

    Args:
        model: folder, or name on the hub; None: the model that ships with speakertrip.
        revision: branch, tag or commit on the hub; None: its main branch.
        token: of the hub; None: the one that the user is logged in with, if any.

    Raises:
        BundleError: it is neither, or a file; or as of ``hub.fetch``.
        StorageError: the cache cannot be written.
        UsageError: a revision of a folder, or of no model.
    """
    if model is None:
        return _shipped(revision)
    name = os.fspath(model)
    if not name:  # to Path, the current folder
        raise BundleError("The path of the bundle is empty; name its directory.")
    if is_there(Path(name)):
        if revision is not None:
            raise UsageError(
                f"{name} is a folder here, which has no revisions; drop --revision, or move the folder away."
            )
        return Path(name), Source(name)
    if os.path.isfile(name):  # noqa: PTH113 - of what is no path it says no, where Path raises
        if Path(name).suffix.lower() == ".onnx":
            raise BundleError(
                f"{name} is a file: name the folder of an encoder in WeSpeaker's manner, and of an export of a bundle, "
                "which runs without speakertrip, the bundle."
            )
        raise BundleError(f"{name} is a file, not a bundle directory; name the folder of the model.")
    local = Path(name).suffix.lower() in AUDIO_SUFFIXES  # a path, mistyped, is nothing to tell the hub
    if local or not isinstance(model, str) or not HUB_ID.fullmatch(name):
        raise BundleError(
            f"There is no bundle at {name}: no such folder, and no name of a model of the hub (ORG/NAME)."
        )
    from speakertrip.bundle import hub  # it takes half a second to import

    folder, commit = hub.fetch(name, revision, token, marker_of, needed)
    return folder, Source(name, commit)


def require_not_shipped(out: str | PathLike[str]) -> None:
    """Check that a bundle to write is not the one that ships with speakertrip, which all would use from then on.

    Raises:
        UsageError: it is.
    """
    if Path(out).resolve() == DEFAULT.resolve():
        raise UsageError(f"{os.fspath(out)} is the model that ships with speakertrip; name another folder.")


def _shipped(revision: str | None) -> tuple[Path, Source]:
    if revision is not None:
        raise UsageError("A revision is one of a model of the hub; name the model too.")
    if not DEFAULT.is_dir():
        raise BundleError("This copy of speakertrip has no model of its own; name one, or install it anew.")
    return DEFAULT, Source(SHIPPED)
