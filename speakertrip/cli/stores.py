"""The store that the options of a verb name."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from speakertrip.enrollment import SpeakerStore


@dataclass(frozen=True, slots=True)
class StoreOptions:
    """What ``--store`` and ``--key-file`` say.

    Attributes:
        store: file of the store; None: the user's own.
        key_file: of its key; None: the environment's, if there is one.
    """

    store: str | None
    key_file: str | None

    @property
    def file(self) -> Path:
        """The file of the store."""
        from speakertrip.enrollment import default_store

        return Path(self.store) if self.store else default_store()

    def key(self) -> bytes | None:
        """Read the key; None where there is none.

        Raises:
            StoreError: the key is not there, or is none.
        """
        from speakertrip.enrollment import read_key

        return read_key(self.key_file)

    def open(self) -> "SpeakerStore":
        """Return the store.

        Raises:
            StoreError: as of ``key``.
        """
        from speakertrip.enrollment import SpeakerStore

        return SpeakerStore(self.file, self.key())

    def open_there(self) -> "SpeakerStore":
        """Return the store to look into; the user's own, which the first enrollment makes, need not be there yet.

        Raises:
            StoreError: as of ``key``, or a store is named that is not there.
        """
        opened = self.open()
        if self.store:
            opened.require()
        return opened

    def look(self) -> "SpeakerStore":
        """Return the store after a look into it, which is soon done where a model takes seconds to load.

        Raises:
            StoreError: as of ``key``; or the file, if it is there, is no store, or the key does not fit.
            StorageError: it cannot be read.
        """
        opened = self.open()
        if opened.database.exists():
            with opened.database.reading():
                pass
        return opened
