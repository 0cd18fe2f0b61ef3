"""What a store's file is like, for somebody who looks after it."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from speakertrip.enrollment.store import rows
from speakertrip.enrollment.store.schema import VERSION
from speakertrip.enrollment.store.store import SpeakerStore


@dataclass(frozen=True, slots=True)
class StoreFacts:
    """What is found in a store.

    Attributes:
        version: of its tables.
        current: whether that is the present one; an older one is brought to it by the next writing.
        problem: what SQLite's own check says is damaged; empty where nothing is.
        mode: permission bits of the file.
        speakers: how many, by the identity of their model.
        utterances: how many in all.
        pending: whether removed bytes wait to be erased.
    """

    version: int
    current: bool
    problem: str
    mode: int
    speakers: Mapping[str, int]
    utterances: int
    pending: bool


def inspect_store(store: SpeakerStore) -> StoreFacts:
    """Look through a store that exists.

    Raises:
        StoreError: it is none.
        StorageError: it cannot be read.
    """
    version = store.database.version()
    with store.database.reading() as db:
        said = [str(text) for (text,) in db.execute("PRAGMA integrity_check(1)")]
        if said != ["ok"]:
            return StoreFacts(version, version == VERSION, said[0], _mode(store), {}, 0, False)
        pending = db.execute("SELECT value FROM facts WHERE name = 'erasure_pending'").fetchone()
        summaries = list(rows.read_summaries(db))
    models = Counter(each.model for each in summaries)
    utterances = sum(each.utterances for each in summaries)
    current = version == VERSION
    return StoreFacts(
        version, current, "", _mode(store), models, utterances, bool(pending and pending[0] and current)
    )


def _mode(store: SpeakerStore) -> int:
    return store.path.stat().st_mode & 0o777
