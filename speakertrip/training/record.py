"""What is known of a training step, and the file that keeps it."""

import json
import math
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from speakertrip.errors import SpeakertripWarning, StorageError, counted
from speakertrip.losses import TripletHealth
from speakertrip.manifests.lines import write_lines

MEASURED = ("utterances_per_second", "waiting", "memory_gib")  # differ between runs that are alike to the bit


@dataclass(frozen=True, slots=True)
class StepRecord:
    """One step of training.

    Attributes:
        step: counted from 1.
        loss: of the batch.
        lr: learning rate.
        health: of a triplet loss: active share, distances, spread; None for others.
        margin: that the batch was held against; None where the loss has none.
        notice: a sentence for the user, where something happened.
        batch_eer: equal error rate of all pairs of the batch, at most 1,024 rows; None at most steps, for it costs.
        utterances_per_second: since the last time it was known, validation apart.
        waiting: share of that time, ``0 .. 1``, in which the next batch was not there.
        memory_gib: most memory so far, in GiB: allocated on a GPU, else of this process.
        validation_eer: on the held-out speakers; None where the step was not validated.
        validation_eer_interval: its 95 % interval, over speakers.
        validation_min_dcf: the lowest cost on them, by target prior.
        threshold: at that error rate.
        best: whether this validation was the best so far.
        without_gain: validations in a row that brought no real gain; None where nothing waits for them.
    """

    step: int
    loss: float
    lr: float
    health: TripletHealth | None = None
    margin: float | None = None
    notice: str | None = None
    batch_eer: float | None = None
    utterances_per_second: float | None = None
    waiting: float | None = None
    memory_gib: float | None = None
    validation_eer: float | None = None
    validation_eer_interval: tuple[float, float] | None = None
    validation_min_dcf: dict[str, float] | None = None
    threshold: float | None = None
    best: bool = False
    without_gain: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Return what is known, as JSON types, the health beside the rest."""
        entries = asdict(self)
        entries |= entries.pop("health") or {}
        return {key: value for key, value in entries.items() if value is not None and value is not False}


class MetricsFile:
    """``metrics.jsonl``: one record a line; a resumed run cuts it back to its checkpoint.

    Args:
        path: the file.
        keep_until: records of later steps are dropped, and lines that were not written whole; 0 begins anew.

    Raises:
        StorageError: it cannot be written.

    Warns:
        SpeakertripWarning: records of steps that are to be kept are not there.
    """

    def __init__(self, path: Path, keep_until: int) -> None:
        self.path = path
        with _writing(path):
            lines = path.read_bytes().splitlines() if path.exists() and keep_until else []
        kept = {step: line.decode() for line in lines if (step := _step(line)) <= keep_until}
        if len(kept) < keep_until:
            text = f"{path} lacks the records of {keep_until - len(kept)} of the {counted(keep_until, 'step')} done."
            warnings.warn(text, SpeakertripWarning, stacklevel=3)
        write_lines(path, kept.values())

    def append(self, record: StepRecord) -> None:
        """Add a record."""
        with _writing(self.path), self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record.to_json()) + "\n")

    def sync(self) -> None:
        """Bring the records to the disk: a checkpoint must not be ahead of them."""
        with _writing(self.path), self.path.open("rb+") as file:
            os.fsync(file.fileno())


def _step(line: bytes) -> float:
    """Return the step of a record; infinity of a line that was not written whole."""
    with suppress(ValueError, TypeError, KeyError):
        return int(json.loads(line)["step"])
    return math.inf


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(f"Cannot write {path}: {error.strerror}.") from None
