"""What a folder of embeddings is of, as ``embed.json`` says it: so that no two models or manifests are mixed there."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from speakertrip.config import Frozen
from speakertrip.errors import StorageError, UsageError
from speakertrip.manifests import Utterance
from speakertrip.manifests.lines import write_lines

EMBEDDINGS, IDS, STATE = "embeddings.npy", "ids.txt", "embed.json"
SHORT = 12  # digits of a hash that is shown


class State(Frozen):
    """What ``embed.json`` says of a folder.

    Attributes:
        model: identity of the bundle.
        ids: hash of the ids, in order, and of the files and their stretches that they stand for.
        dim: of an embedding.
        device: which kind of device makes them.
        windowing: number of the rule by which parts of a recording are embedded; 0 of a folder that is older than it.
        utterances: of the manifest.
        skipped: why an utterance has no row, by its id; known when all are done.
        done: whether all are.
    """

    format: Literal[1] = 1
    model: str
    ids: str
    dim: int = Field(ge=1)
    device: str
    windowing: int = Field(0, ge=0)
    utterances: int = Field(ge=1)
    skipped: dict[str, str] = Field(default_factory=dict)
    done: bool = False

    def write(self, place: Path) -> None:
        """Write it into its folder.

        Raises:
            StorageError: it cannot be written.
        """
        write_lines(place / STATE, [self.model_dump_json(indent=2)])


def hash_of(utterances: Sequence[Utterance]) -> str:
    """Return the hash of a manifest's ids, paths and stretches, in order."""
    sum_ = hashlib.sha256()
    for each in utterances:
        sum_.update(
            json.dumps([each.id, str(each.path), each.start, each.duration, each.span]).encode() + b"\n"
        )
    return sum_.hexdigest()


def refuse_others(place: Path) -> None:
    """Refuse a folder that holds what embed did not write, such as a bundle, before anything is written there.

    Raises:
        UsageError: it does.
        StorageError: it cannot be read.
    """
    try:
        names = {path.name for path in place.iterdir()}
    except FileNotFoundError:
        return
    except OSError as error:
        raise StorageError(f"Cannot write {place}: {error.strerror}.") from None
    others = sorted(
        name for name in names if not name.startswith(".")
    )  # where a run begins, its own are hidden
    if others and not (place / STATE).exists():
        raise UsageError(f"{place / others[0]} is there already, from elsewhere; name another folder.")


def claim(place: Path, wanted: State) -> State:
    """Return the state of the folder, which is begun if it was not.

    Raises:
        UsageError: what it holds is of something else.
        StorageError: it cannot be written.
    """
    if not (place / STATE).exists():
        wanted.write(place)
        return wanted
    return found_state(place, wanted)


def found_state(place: Path, wanted: State) -> State:
    """Return the state of a folder that is begun; it is not done where the files are gone.

    Raises:
        UsageError: what it holds is of something else, or cannot be read.
    """
    try:
        found = State.model_validate_json((place / STATE).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ValidationError):
        raise UsageError(
            f"{place / STATE} cannot be read as a state of embed; name another folder."
        ) from None
    other = None
    if found.model != wanted.model:
        other = f"of another model ({found.model[:SHORT]})"
    elif found.windowing != wanted.windowing:
        other = "by another version of speakertrip, which may have embedded other parts of a recording"
    elif (found.ids, found.dim) != (wanted.ids, wanted.dim):
        other = "of another manifest"
    elif found.device != wanted.device and not found.done:
        other = f"begun on another device ({found.device})"
    if other:
        raise UsageError(f"{place} holds embeddings {other}; name another folder, or remove it first.")
    whole = (place / EMBEDDINGS).exists() and (place / IDS).exists()
    return found if whole else found.model_copy(update={"skipped": {}, "done": False})
