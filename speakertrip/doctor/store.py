"""The store: does it open, is it whole, private and of the model, and is there room for more?"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from speakertrip.doctor.check import Check
from speakertrip.errors import StorageError, StoreError, counted

PRIVATE = 0o600
LITTLE, NOTHING = 100 << 20, 1 << 20  # bytes on the disk


def check_store(path: Path, identity: str, key: bytes | None = None) -> list[Check]:
    """Check a store, against the identity of a model where that is known.

    Raises:
        StoreError: the path is no store.
        StorageError: it cannot be read.
    """
    from speakertrip.enrollment import SpeakerStore
    from speakertrip.enrollment.store.inspection import inspect_store

    store = SpeakerStore(path, key)
    if not store.database.exists():
        return [Check("store", "ok", f"there is none at {path} yet; the first enrollment makes it")]
    facts = inspect_store(store)
    if facts.problem:
        advice = "Restore a copy, or export what can be read: speakertrip speakers export."
        return [Check("store", "failed", f"{path} is damaged: {facts.problem}", advice, StoreError.exit_code)]
    age = "" if facts.current else ", which the next enrollment brings up to date"
    count = f"{counted(sum(facts.speakers.values()), 'speaker')}, {counted(facts.utterances, 'utterance')}"
    checks = [Check("store", "ok", f"{path}: schema {facts.version}{age}, whole, {count}")]
    if os.name == "posix" and facts.mode & ~PRIVATE:
        found = f"others may read {path} (mode {facts.mode:04o})"
        checks.append(Check("permissions", "warning", found, f"chmod 600 {path}"))
    if facts.pending:
        found = "removed bytes are not erased yet"
        checks.append(
            Check("erasure", "warning", found, "Close what else reads the store, and open it once more.")
        )
    others = sum(count for model, count in facts.speakers.items() if model != identity)
    if identity and others:
        found = f"{counted(others, 'speaker')} enrolled with another model cannot be compared"
        checks.append(Check("models", "warning", found, "speakertrip speakers re-enroll"))
    return checks


def check_disk(path: Path) -> Iterator[Check]:
    """Check that the folder of a store, there or yet to be made, can be written and has room.

    Raises:
        OSError: the disk cannot be asked.
    """
    folder = path.absolute().parent
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    found = f"{free / 2**30:.1f} GiB free for {folder}"
    code = StorageError.exit_code
    if not (folder.is_dir() and os.access(folder, os.W_OK)):
        yield Check("disk", "failed", f"{folder} cannot be written", "Name another file by --store.", code)
    elif free < NOTHING:
        yield Check("disk", "failed", found, "Make room.", code)
    else:
        yield Check(
            "disk", "warning" if free < LITTLE else "ok", found, "Make room." if free < LITTLE else ""
        )
