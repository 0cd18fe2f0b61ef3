"""The store of enrolled speakers."""

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal

from speakertrip.enrollment.encryption.keys import check_key
from speakertrip.enrollment.profiles.profile import Enrollment, Profile, Summary, check_name, known_name
from speakertrip.enrollment.store import audit, calibrations, rows
from speakertrip.enrollment.store.audit import AuditLog, Event
from speakertrip.enrollment.store.calibrations import Calibrations
from speakertrip.enrollment.store.connection import Connection
from speakertrip.enrollment.store.database import Database
from speakertrip.errors import StoreError, UsageError
from speakertrip.manifests.lines import FilePath

EnrollMode = Literal["new", "add", "replace"]


def default_store() -> Path:
    """Return where speakers are kept when nobody says otherwise: the user's data folder."""
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(data) / "speakertrip" / "speakers.sqlite"


class SpeakerStore:
    """Speaker profiles in a SQLite file that is made, readable by its owner alone, at the first enrollment.

    Each call is one transaction: it happens whole or not at all. Reading needs no right to write. Any number of
    threads and processes may use one file.

    With a key the store is encrypted: names, embeddings, paths and checksums are sealed, and one that is damaged or
    moved to another place is refused. In clear stay how many there are and how long, times, durations, measures of
    quality, model identities, random identifiers, calibrations with the offsets of profiles, and the audit log; whole
    rows can be removed, or a file replaced by an older copy, unnoticed. Any call may raise a StoreError if the key does
    not fit, and each that writes is kept in the audit log, if that is on.

    Args:
        path: the file.
        key: of an encrypted store, 32 random bytes; a store that is made with one is encrypted.

    Attributes:
        audit: the store's log.

    Raises:
        StoreError: the key is none.
    """

    def __init__(self, path: FilePath, key: bytes | None = None) -> None:
        self.path = Path(path)
        self.database = Database(path, None if key is None else check_key(key))
        self.audit = AuditLog(self.database)
        self.calibrations = Calibrations(self.database)

    def add(
        self, name: str, model: str, enrollments: Sequence[Enrollment], mode: EnrollMode = "new"
    ) -> Profile:
        """Enroll a new speaker, or add utterances to one.

        Args:
            name: who.
            model: identity of the bundle that made the embeddings.
            enrollments: at least one.
            mode: "new" refuses a name that is enrolled; "add" adds to it; "replace" forgets its utterances first.

        Returns:
            The speaker's profile as it now is.

        Raises:
            UsageError: the name is not one, or there is no enrollment.
            StoreError: the path is no store, the name is enrolled and the mode is "new", or its earlier
                utterances are of another model and the mode is "add".
            StorageError: the store cannot be written.
        """
        name = check_name(name)
        if not enrollments:
            raise UsageError("Enrollment needs at least one utterance.")
        forgotten = False
        with self.database.writing() as db:
            known = rows.find(db, name)
            if known and mode == "new":
                raise StoreError(
                    f"{name} is enrolled already; add to it by --add, or forget it first by --replace (mode=)."
                )
            action = mode if known else "enroll"
            if known and mode == "replace":
                self._forget(db, known[0])
                known, forgotten = None, True
            if known and known[1] != model:
                raise StoreError(
                    f"{name} was enrolled with another model; enroll again by --replace, or embed the same files by "
                    "this one: speakertrip speakers re-enroll."
                )
            speaker = known[0] if known else rows.insert_speaker(db, name, model)
            rows.insert_enrollments(db, speaker, enrollments)
            calibrations.forget_offset(db, speaker)
            profile = rows.read_profile(db, name)
            audit.record(db, Event(action, profile.identifier, model))
        if forgotten:
            self.database.erase()
        return profile

    def get(self, name: str) -> Profile:
        """Return a speaker's profile.

        Raises:
            StoreError: the speaker is not enrolled, or the path is no store.
        """
        name = known_name(name)
        self.require()
        with self.database.reading() as db:
            self._row_of(db, name)
            return rows.read_profile(db, name)

    def names(self) -> list[str]:
        """Return the names of all enrolled speakers, sorted; none where there is no store yet."""
        if not self.database.exists():
            return []
        with self.database.reading() as db:
            return rows.read_names(db)

    def find(self, name: str) -> Profile | None:
        """Return a speaker's profile; None where the speaker is not enrolled, or there is no store yet.

        Raises:
            StoreError: the path is no store.
        """
        name = known_name(name)
        if not self.database.exists():
            return None
        with self.database.reading() as db:
            return rows.read_profile(db, name) if rows.find(db, name) else None

    def identifier(self, name: str) -> str | None:
        """Return the random identifier of a speaker's profile; None if there is no such speaker, or no store yet."""
        name = known_name(name)
        if not self.database.exists():
            return None
        with self.database.reading() as db:
            found = rows.find(db, name)
            return rows.identifier_of(db, found[0]) if found else None

    def enrolled(self, names: Sequence[str]) -> list[str]:
        """Return the names of speakers as they are enrolled, each once.

        Raises:
            StoreError: one is not enrolled, or there is no store.
        """
        wanted = list(dict.fromkeys(map(known_name, names)))
        self.require()
        with self.database.reading() as db:
            for name in wanted:
                self._row_of(db, name)
        return wanted

    def summaries(self) -> list[Summary]:
        """Return what there is of each enrolled speaker, by name; nothing where there is no store yet."""
        if not self.database.exists():
            return []
        with self.database.reading() as db:
            return list(rows.read_summaries(db))

    def profiles(self, names: Sequence[str] = ()) -> Iterator[Profile]:
        """Yield the profiles of speakers, or of all, as they are at one moment.

        Raises:
            StoreError: one is not enrolled, or damaged, or the path is no store.
        """
        wanted = [known_name(name) for name in names]
        self.require()
        with self.database.reading() as db:
            for name in wanted or rows.read_names(db):
                self._row_of(db, name)
                yield rows.read_profile(db, name)

    def export(self, names: Sequence[str] = ()) -> Iterator[Profile]:
        """Yield profiles as ``profiles`` does, to be taken out of the store, and have the audit log keep that.

        Where the log is on, it keeps them before the last one is followed by the end.

        Raises:
            StoreError: see ``profiles``.
            StorageError: the log is on and the store cannot be written.
        """
        wanted = [known_name(name) for name in names]
        self.require()
        with self.audit.handing_out() as db:
            for name in wanted or rows.read_names(db):
                self._row_of(db, name)
                profile = rows.read_profile(db, name)
                audit.record(db, Event("export", profile.identifier, profile.model))
                yield profile

    def restore(self, profiles: Iterable[Profile], replace: bool = False) -> int:
        """Take in profiles of another store, with all that was kept there; all of them or none.

        A random identifier that another speaker has here is drawn anew.

        Args:
            profiles: of ``profiles`` or ``read_profiles``.
            replace: whether one takes the place of a speaker of that name.

        Returns:
            How many there were.

        Raises:
            StoreError: a name is enrolled already, or comes twice, and is not to be replaced; or its embeddings are of
                another size than those of its model, with which they could not be compared.
            StorageError: the store cannot be written.
        """
        count, forgotten = 0, False
        sizes: dict[str, int] = {}
        with self.database.writing() as db:
            for profile in profiles:
                _require_size(db, profile, sizes)
                known = rows.find(db, profile.name)
                if known and not replace:
                    raise StoreError(
                        f"{profile.name} is enrolled already; replace it by --replace (replace=)."
                    )
                if known:
                    self._forget(db, known[0])
                    forgotten = True
                facts = profile.name, profile.model, profile.identifier, profile.created
                speaker = rows.insert_speaker(db, *facts)
                rows.insert_enrollments(db, speaker, profile.enrollments)
                audit.record(db, Event("import", rows.identifier_of(db, speaker), profile.model))
                count += 1
        if forgotten:
            self.database.erase()
        return count

    def rename(self, name: str, new: str) -> None:
        """Give a speaker another name; the old one is erased as by ``remove``.

        Raises:
            UsageError: the new name is not one.
            StoreError: the speaker is not enrolled, or the new name is taken.
            StorageError: the store cannot be written.
        """
        name, new = known_name(name), check_name(new)
        self.require()
        with self.database.writing() as db:
            speaker = self._row_of(db, name)
            if new != name and rows.find(db, new):
                raise StoreError(f"{new} is enrolled already; give {name} another name.")
            rows.rename(db, speaker, new)
            audit.record(db, Event("rename", rows.identifier_of(db, speaker)))
        self.database.erase()

    def remove(self, name: str) -> bool:
        """Remove a speaker, and everything that was kept of them.

        Returns:
            Whether nothing is left in any file of the store. False: it is removed, but while another process reads
            the store as it was before, its file or log still hold the bytes; the next opening erases them.

        Raises:
            StoreError: the speaker is not enrolled, or the path is no store.
            StorageError: the store cannot be written.
        """
        name = known_name(name)
        self.require()
        with self.database.writing() as db:
            self._forget(db, self._row_of(db, name))
        return self.database.erase()

    def exchange(self, old: Profile, new: Profile) -> bool:
        """Put one profile of a speaker in the place of another, whose embeddings are erased as by ``remove``.

        Args:
            old: as it was read.
            new: of the same name; it keeps its identifier and its times.

        Returns:
            As of ``remove``.

        Raises:
            StoreError: the speaker is no longer enrolled, or no longer from what ``old`` says.
            StorageError: the store cannot be written.
        """
        with self.database.writing() as db:
            row = self._row_of(db, old.name)
            if _facts(rows.read_profile(db, old.name)) != _facts(old):
                raise StoreError(f"{old.name} was enrolled anew meanwhile; try again.")
            rows.forget(db, row)
            facts = new.name, new.model, new.identifier, new.created
            rows.insert_enrollments(db, rows.insert_speaker(db, *facts), new.enrollments)
            audit.record(db, Event("re-enroll", new.identifier, new.model))
        return self.database.erase()

    def require(self) -> None:
        """Raise StoreError where there is no store."""
        if self.database.exists() or self.path.exists():
            return
        raise StoreError(f"There is no store {self.path}; enroll a speaker first, or name another file.")

    def _forget(self, db: Connection, speaker: int) -> None:
        audit.record(db, Event("remove", rows.identifier_of(db, speaker)))
        rows.forget(db, speaker)

    def _row_of(self, db: Connection, name: str) -> int:
        found = rows.find(db, name)
        if not found:
            raise StoreError(f"No speaker named {name} is enrolled in {self.path}.")
        return found[0]


def _require_size(db: Connection, profile: Profile, sizes: dict[str, int]) -> None:
    """Check that a profile can be compared with the others of its model; ``sizes`` remembers what was looked up."""
    size = profile.embeddings.shape[1]
    if profile.model not in sizes:
        sizes[profile.model] = rows.size_of(db, profile.model) or size
    if size != sizes[profile.model]:
        raise StoreError(
            f"{profile.name} has embeddings of {size} numbers, and other speakers of that model have "
            f"{sizes[profile.model]}; leave it out."
        )


def _facts(profile: Profile) -> tuple[object, ...]:
    """Return what tells two states of a speaker apart."""
    enrollments = [(each.path, each.sha256, each.created) for each in profile.enrollments]
    return profile.identifier, profile.model, profile.created, enrollments
