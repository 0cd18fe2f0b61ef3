"""What a table of rows shows, and how far it has come: a small file that is written last."""

import os
from hashlib import sha256
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from speakertrip.config import Frozen

STATE = "state.json"
Scoring = Literal["mean", "best"]


class Contents(Frozen):
    """What the rows of a table are.

    Attributes:
        model: identity of the bundle.
        backend: digest of what the rows depend on.
        scoring: "mean": a row for each profile; "best": for each utterance.
        format: of the files.
    """

    model: str
    backend: str
    scoring: Scoring
    format: Literal[1] = 1

    @property
    def key(self) -> str:
        """A name for a folder."""
        return sha256(self.model_dump_json().encode()).hexdigest()[:32]


class State(Frozen):
    """How far a table has come; it is written when everything else is.

    Attributes:
        contents: what the rows are.
        dim: of the rows.
        rows: slots in use.
        origin: of the store.
        changes: of the store that the rows show.
        table: drawn at random for each table that is begun: what is mapped of an earlier one is of no use.
    """

    contents: Contents
    dim: int
    rows: int
    origin: int
    changes: int
    table: str


def read_state(folder: Path) -> State | None:
    """Return the state of the table in a folder; None where there is none, or it is damaged."""
    try:
        return State.model_validate_json((folder / STATE).read_bytes())
    except (FileNotFoundError, ValidationError):
        return None


def write_state(folder: Path, state: State) -> None:
    """Replace the state of the table in a folder.

    Raises:
        OSError: it cannot be written.
    """
    fresh = folder / f".{STATE}.part"
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(state.model_dump_json())
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(folder / STATE)
