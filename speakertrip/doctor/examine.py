"""All checks, in an order in which none loads what was not checked before."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from speakertrip.doctor import codecs, libraries, model, store
from speakertrip.doctor.check import Check, guarded

if TYPE_CHECKING:  # it needs numpy
    from speakertrip.manifests.lines import FilePath


def examine(
    bundle: "FilePath | None" = None,
    speakers: "FilePath | None" = None,
    device: str = "auto",
    threads: int | None = None,
    key: Callable[[], bytes | None] = lambda: None,
    revision: str | None = None,
) -> Iterator[Check]:
    """Yield what is found of the installation, of a model and of a store.

    Args:
        bundle: the model; None: the one that ships with speakertrip.
        speakers: the store; None: the user's own.
        device: as of ``Embedder``.
        threads: likewise.
        key: reads that of an encrypted store.
        revision: of a model of the hub.
    """
    yield from guarded("Python", libraries.check_python)
    without_torch = guarded("libraries", libraries.check_libraries)
    yield from without_torch
    torch = guarded("torch", libraries.check_torch)
    yield from torch
    yield from guarded("extras", libraries.check_extras)
    broken = [check.name for check in without_torch if check.status == "failed"]
    if broken:
        yield _not_checked("codecs, model and store", broken)
        return
    yield from guarded("codecs", codecs.check_codecs)
    identity = ""
    broken = [check.name for check in torch if check.status == "failed"]
    if broken:
        yield _not_checked("model", broken)
    else:
        yield from guarded("libraries", libraries.check_after_torch)
        yield from guarded("devices", model.check_devices)
        found: list[str] = []

        def check() -> list[Check]:
            checks, known = model.check_model(bundle, device, threads, revision)
            found.append(known)
            return checks

        yield from guarded("model", check)
        identity = found[0] if found else ""
    yield from _of_store(speakers, identity, key)


def _of_store(speakers: "FilePath | None", identity: str, key: Callable[[], bytes | None]) -> Iterator[Check]:
    def path() -> Path:
        from speakertrip.enrollment import default_store

        return Path(speakers or default_store())  # which fails where the user has no home

    yield from guarded("store", lambda: store.check_store(path(), identity, key()))
    yield from guarded("disk", lambda: store.check_disk(path()))


def _not_checked(what: str, broken: list[str]) -> Check:
    return Check(what, "warning", f"not checked, for {' and '.join(broken)} cannot be used")
