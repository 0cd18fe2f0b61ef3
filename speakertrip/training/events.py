"""The records of a run as TensorBoard reads them. Needs tensorboard (the extra of that name)."""

import math
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
        StorageError: the folder cannot be written.
    """

    def __init__(self, folder: Path, step: int) -> None:
        try:
            self.writer: SummaryWriter = _writer(folder / "tensorboard", step)
        except OSError as error:
            raise StorageError(f"Cannot write {folder / 'tensorboard'}: {error.strerror}.") from None

    def add(self, record: StepRecord) -> None:
        """Add a record; what was validated is on disk at once."""
        for name, value in scalars(record).items():
            self.writer.add_scalar(name, value, record.step)
        if record.validation_eer is not None:
            self.writer.flush()


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


def _writer(folder: Path, step: int) -> "SummaryWriter":
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ModuleNotFoundError as error:
        if str(error.name).split(".")[0] != "tensorboard":
            raise
        raise UsageError(
            "watch.tensorboard needs tensorboard: install the extra, speakertrip[tensorboard]."
        ) from None
    return SummaryWriter(str(folder), purge_step=step + 1)
