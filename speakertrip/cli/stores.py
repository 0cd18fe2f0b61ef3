"""The store that the options of a verb name."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from speakertrip.enrollment import SpeakerStore


def store_file(store: str | None) -> Path:
    """Return the file of ``--store``, or the user's own."""
    from speakertrip.enrollment import default_store

    return Path(store) if store else default_store()


def open_store(store: str | None, key_file: str | None) -> "SpeakerStore":
    """Return the store of ``--store``, with the key of ``--key-file`` or of the environment, if there is one.

    Raises:
        StoreError: the key is not there, or is none.
    """
    from speakertrip.enrollment import SpeakerStore, read_key

    return SpeakerStore(store_file(store), read_key(key_file))
