"""Folders that are written whole or not at all, with checksums that are checked on reading."""

import hashlib
import shutil
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import BinaryIO

from speakertrip.bundle.lock import alone, is_at
from speakertrip.errors import BundleError, StorageError

SUMS = "SHA256SUMS"
ATTEMPTS = 20  # to read a folder that another process replaces
PICKLES = (
    ".bin",
    ".ckpt",
    ".joblib",
    ".pickle",
    ".pkl",
    ".pt",
    ".pth",
)  # loading them may run what they hold


def write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files and their checksums as a folder that replaces an older one only when it is complete.

    Other files that were put beside those of the older one stay. Several processes may write one folder: one waits for
    the other, and the last one's files are there in the end.

    Raises:
        StorageError: something cannot be written; an older folder is left as it was. Also where the folder
            holds files but none that this function wrote, or others by the names of the new ones, and where another
            process that writes it does not end.
    """
    folder = folder.resolve()
    try:
        with alone(folder):
            _replace(folder, files)
    except OSError as error:
        raise StorageError(f"Cannot write {folder}: {error.strerror}.") from None


def _replace(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write a folder beside the older one, and exchange them; what a killed process left is put right, or removed."""
    fresh, old = folder.with_name(f".{folder.name}.part"), _set_aside(folder)
    try:
        _restore(folder, old)
        shutil.rmtree(fresh, ignore_errors=True)
        _clear(old, folder, fresh)
        _require_free(folder, {SUMS, *files})
        fresh.mkdir()
        for name, content in files.items():
            (fresh / name).write_bytes(content)
        sums = (f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in files.items())
        (fresh / SUMS).write_text("".join(sums), encoding="utf-8")
        if folder.exists():
            folder.rename(old)
        fresh.rename(folder)
        _clear(old, folder, fresh)
    finally:
        with suppress(OSError):
            _restore(folder, old)
        shutil.rmtree(fresh, ignore_errors=True)


def read_folder(folder: Path, required: tuple[str, ...]) -> dict[str, bytes]:
    """Read the files that the checksums list, all as of one moment, and check them.

    A folder that is replaced meanwhile is read anew.

    Raises:
        BundleError: the folder or a required file is missing, or a file is not what was written.
    """
    for left in reversed(range(ATTEMPTS)):
        place = _place(folder)
        if place is None:
            raise BundleError(f"There is no bundle at {folder}: no such folder.")
        try:
            with (place / SUMS).open("rb") as sums:
                try:
                    return _read(place, _parse(sums.read(), place), required)
                except BundleError:
                    if is_at(sums.fileno(), place / SUMS):
                        raise
        except OSError:
            if not left:
                raise _no_bundle(place) from None
    raise BundleError(
        f"{folder} is replaced again and again while it is read; wait for the end of what writes it."
    )


def _read(folder: Path, sums: Mapping[str, str], required: tuple[str, ...]) -> dict[str, bytes]:
    opened: dict[str, BinaryIO] = {}
    files: dict[str, bytes] = {}
    with ExitStack() as stack:
        try:
            for name in dict.fromkeys([*required, *sums]):
                opened[name] = stack.enter_context((folder / Path(name).name).open("rb"))
            for name, file in opened.items():  # once all are open: a replacement takes none of them any more
                files[name] = file.read()
        except OSError:
            raise BundleError(f"The bundle {folder} is incomplete: {name} cannot be read.") from None
    for name, content in files.items():
        if hashlib.sha256(content).hexdigest() != sums.get(name):
            raise BundleError(
                f"The bundle {folder} is damaged: {name} is not what was written; copy it anew."
            )
    return files


def listed(folder: Path) -> dict[str, str]:
    """Return the names that the checksums of a folder list, each with its hash.

    Raises:
        BundleError: there are no checksums, or a name is that of a pickle.
    """
    try:
        return _parse((folder / SUMS).read_bytes(), folder)
    except OSError:
        raise _no_bundle(folder) from None


def _parse(content: bytes, folder: Path) -> dict[str, str]:
    try:
        lines = content.decode().splitlines()
        sums = {name: digest for digest, name in (line.split("  ", 1) for line in lines if line)}
    except ValueError:
        raise _no_bundle(folder) from None
    if pickles := [name for name in sums if name.lower().endswith(PICKLES)]:
        raise BundleError(
            f"The bundle {folder} holds {pickles[0]}, a pickle, which may run anything when it is read; no bundle of "
            "speakertrip has one: ask for another copy."
        )
    return sums


def _no_bundle(folder: Path) -> BundleError:
    return BundleError(f"{folder} is not a bundle: its {SUMS} is missing or unreadable.")


def is_there(folder: Path) -> bool:
    """Tell whether a folder can be read: where it should be, or set aside by a replacement."""
    return _place(folder) is not None


def _place(folder: Path) -> Path | None:
    """Return where a folder lies; None: nowhere, and not for the blink of an eye between two looks."""
    for _ in range(ATTEMPTS):
        for place in (folder, _set_aside(folder.resolve())):
            if place.is_dir():
                return place
    return None


def require_replaceable(folder: Path) -> None:
    """Check that ``write_folder`` would replace a folder, as far as that can be known before.

    Raises:
        StorageError: it holds files, but none that ``write_folder`` wrote, or is a file.
    """
    try:
        _require_free(folder.resolve(), {SUMS})
    except OSError as error:
        raise StorageError(f"Cannot write {folder}: {error.strerror}.") from None


def _require_free(folder: Path, names: set[str]) -> None:
    if folder.exists() and (wrong := sorted(_others(folder, names))):
        raise StorageError(
            f"{folder} holds other files ({wrong[0]}); move them elsewhere, or name a folder that is empty or not "
            "there yet."
        )


def _others(folder: Path, names: set[str] | None = None) -> set[str]:
    """Return what a folder holds beside what its checksums list: all, or of these names; all where it has none."""
    found = {entry.name for entry in folder.iterdir()}
    if SUMS not in found:
        return found
    lines = (folder / SUMS).read_text(encoding="utf-8", errors="replace").splitlines()
    others = found - {SUMS, *(line.split("  ", 1)[-1] for line in lines)}
    return others if names is None else others & names


def _clear(old: Path, folder: Path, fresh: Path) -> None:
    """Remove what was replaced, but for other files, which go where it was; killed on the way, nothing is lost."""
    if old.exists():
        for name in _others(old):
            if not (folder / name).exists():
                (old / name).rename(folder / name)
        old.rename(fresh)  # half removed, it would not tell what in it is ours
        shutil.rmtree(fresh, ignore_errors=True)


def _set_aside(folder: Path) -> Path:
    """Return where a folder lies between the two renames that replace it."""
    return folder.with_name(f".{folder.name}.old")


def _restore(folder: Path, old: Path) -> None:
    if old.exists() and not folder.exists():  # a replacement broke off between its two renames
        old.rename(folder)
