"""What is known of the trials of a tune."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from speakertrip.manifests.lines import FilePath, write_lines
from speakertrip.training.tuning.judging import Verdict
from speakertrip.training.tuning.space import Point

State = Literal["complete", "pruned", "failed", "running"]


@dataclass(frozen=True, slots=True)
class TrialRecord:
    """One trial.

    Attributes:
        number: from 0; its run is ``trials/NUMBER`` in the folder of the tune.
        state: "pruned": stopped because at its last validation others were better; "failed": its training
            diverged; "running": under way, or cut off.
        point: what was tried; None where it was cut off before that was drawn.
        verdict: of the judging speakers, on the best of the steps done; None where there is none.
        steps: done.
        seconds: that the process took which ended it.
        reason: why it failed.
    """

    number: int
    state: State
    point: Point | None = None
    verdict: Verdict | None = None
    steps: int = 0
    seconds: float = 0.0
    reason: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return what is known, as JSON types."""
        entries: dict[str, Any] = {"trial": self.number, "state": self.state}
        entries |= asdict(self.point) if self.point else {}
        if self.verdict:
            entries |= {"eer": self.verdict.eer, "eer_interval": list(self.verdict.interval)}
        if self.steps:
            entries |= {"steps": self.steps, "seconds": round(self.seconds, 1)}
        return entries | ({"reason": self.reason} if self.reason else {})


def write_records(path: FilePath, records: Iterable[TrialRecord]) -> None:
    """Write one line of JSON for each trial.

    Raises:
        StorageError: the file cannot be written.
    """
    write_lines(path, (json.dumps(record.to_json()) for record in records))


def trial_folder(folder: Path, number: int) -> Path:
    """Return where the run of a trial is, in the folder of the tune."""
    return folder / "trials" / f"{number:04d}"
