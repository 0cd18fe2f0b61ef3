"""The records of a run as TensorBoard reads them. Needs tensorboard (the extra of that name)."""

import math
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from speakertrip.errors import StorageError, UsageError
from speakertrip.training.record import StepRecord

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter


class EventFile:
    """``RUN/tensorboard``: the numbers of each record by their names in ``metrics.jsonl``.

    Args:
        folder: of the run; records of a resumed run are added.
        step: steps done; TensorBoard then shows none of later ones, from before a resume.

    Raises:
        UsageError: tensorboard is not installed.
    """

    def __init__(self, folder: Path, step: int) -> None:
        self.kind = _writer_class()
        self.folder, self.done = folder / "tensorboard", step
        self.opened: SummaryWriter | None = None

    def add(self, record: StepRecord) -> None:
        """Add a record; what was validated is on disk at once.

        Raises:
            StorageError: it cannot be written.
        """
        try:
            if self.opened is None:  # a run that does not begin leaves no folder
                _tell_errors_once()
                self.opened = self.kind(str(self.folder), purge_step=self.done + 1)
            for name, value in scalars(record).items():
                self.opened.add_scalar(name, value, record.step)
            if record.validation_eer is not None:
                self.opened.flush()
        except OSError as error:
            raise StorageError(f"Cannot write {self.folder}: {error.strerror}.") from None

    def close(self) -> None:
        """Bring the rest to the disk, as far as it takes it."""
        if self.opened is not None:
            with suppress(OSError):
                self.opened.close()


def scalars(record: StepRecord) -> dict[str, float]:
    """Return the finite numbers of a record by name; those of a list or a table are numbered or named.

    >>> scalars(StepRecord(7, loss=0.5, lr=0.01, validation_eer_interval=(0.1, 0.2)))
    {'loss': 0.5, 'lr': 0.01, 'validation_eer_interval/0': 0.1, 'validation_eer_interval/1': 0.2}
    """
    found: dict[str, object] = {}
    for name, value in record.to_json().items():
        if isinstance(value, dict):
            found |= {f"{name}/{key}": each for key, each in value.items()}
        elif isinstance(value, list | tuple):
            found |= {f"{name}/{place}": each for place, each in enumerate(value)}
        elif name != "step":
            found[name] = value
    return {
        name: float(value)
        for name, value in found.items()
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    }


def _tell_errors_once() -> None:
    """Keep Python from printing what ends the thread that writes: the next call raises it."""
    before = threading.excepthook

    def hook(arguments: threading.ExceptHookArgs) -> None:
        if not type(arguments.thread).__module__.startswith("tensorboard."):
            before(arguments)

    threading.excepthook = hook


def _writer_class() -> "type[SummaryWriter]":
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ModuleNotFoundError as error:
        if str(error.name).split(".")[0] != "tensorboard":
            raise
        raise UsageError(
            "watch.tensorboard needs tensorboard: install the extra, speakertrip[tensorboard]."
        ) from None
    return SummaryWriter
