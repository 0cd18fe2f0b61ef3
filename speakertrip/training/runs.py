"""Run folders as they lie on the disk: what each has come to, and in what they differ."""

import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from speakertrip.errors import UsageError, counted
from speakertrip.training.lock import is_held
from speakertrip.training.runs_values import (
    LAST_STEP,
    costs_of,
    finite_number,
    flatten,
    interval_of,
    section_of,
    went_on_from,
)

CONFIG, METRICS, MADE_BY = "config.json", "metrics.jsonl", "run.json"
RECENT = (
    300.0  # seconds since the last record, where no lock can tell; a step or a validation may take a while
)
LARGEST = 1 << 20  # bytes of a configuration; run.json gets an entry with each start
LATEST = (  # names in the records that tell how a run is doing, see StepRecord
    "loss",
    "loss_over_margin",
    "active",
    "margin",
    "lr",
    "to_positives",
    "to_negatives",
    "between_speakers",
    "spread",
    "batch_eer",
    "utterances_per_second",
    "waiting",
    "memory_gib",
)


@dataclass(frozen=True, slots=True)
class RunFolder:
    """What a run folder tells; a damaged one tells less, and what is wrong.

    Attributes:
        path: of the folder.
        config: of the run, as it stands in ``config.json``; empty where there is none to read.
        starts: what made it: an entry for each start, see ``Provenance``.
        rows: of ``metrics.jsonl``.
        running: whether a process trains in it: by its lock, else by whether the last record was written within
            ``RECENT``.
        problems: what is missing or cannot be read, a phrase each.
    """

    path: Path
    config: Mapping[str, Any] = field(default_factory=dict)
    starts: Sequence[Mapping[str, Any]] = ()
    rows: Sequence[Mapping[str, Any]] = ()
    running: bool = False
    problems: Sequence[str] = ()

    @property
    def step(self) -> int:
        """Steps done: to the last one with a record, or from which the run went on, for records may be lost."""
        recorded = int(self.rows[-1]["step"]) if self.rows else 0
        return max(recorded, went_on_from(self.starts))

    @property
    def steps(self) -> int | None:
        """Steps of the whole run; None where the configuration does not say."""
        steps = section_of(self.config, "optimizer").get("steps")
        return steps if isinstance(steps, int) else None

    @property
    def state(self) -> str:
        """Tell "finished", "running", "stopped", or "empty"."""
        if self.steps is not None and self.step >= self.steps:
            return "finished"
        patience = section_of(self.config, "validation").get("patience")
        waited = self.validations[-1].get("without_gain") if self.validations else None
        if isinstance(patience, int) and isinstance(waited, int) and 0 < patience <= waited:
            return "finished"
        if self.running:
            return "running"
        return "stopped" if self.step else "empty"

    @property
    def validations(self) -> list[Mapping[str, Any]]:
        """The rows of steps that were validated."""
        return [row for row in self.rows if finite_number(row.get("validation_eer")) is not None]

    @property
    def best(self) -> Mapping[str, Any]:
        """The row of the lowest validation EER; empty before the first validation."""
        return min(self.validations, key=lambda row: row["validation_eer"], default={})

    @property
    def latest(self) -> dict[str, float]:
        """The last known finite value of each of ``LATEST``; what was never known is left out."""
        found: dict[str, float] = {}
        for name in LATEST:
            values = (finite_number(row.get(name)) for row in reversed(self.rows))
            last = next((value for value in values if value is not None), None)
            if last is not None:
                found[name] = last
        return found

    def to_json(self) -> dict[str, Any]:
        """Return a summary as JSON types."""
        best, first = self.best, self.starts[0] if self.starts else {}
        newest = self.starts[-1] if self.starts else {}
        return {
            "run": str(self.path),
            "state": self.state,
            "step": self.step,
            "steps": self.steps,
            "loss": section_of(self.config, "loss").get("kind"),
            "validation_eer": best.get("validation_eer"),
            "validation_eer_interval": interval_of(best.get("validation_eer_interval")),
            "validation_min_dcf": costs_of(best.get("validation_min_dcf")),
            "best_step": best.get("step"),
            "began": first.get("began"),
            "version": newest.get("version"),
            "commit": newest.get("commit"),
            "changed": newest.get("changed"),
            "latest": self.latest,
            "problems": list(self.problems),
        }


def find_runs(folder: str | os.PathLike[str]) -> list[RunFolder]:
    """Read all runs at or below a folder, those that began first at the front; links are not followed.

    Raises:
        UsageError: there is no such folder, or no run in it.
    """
    top = Path(folder)
    if not top.is_dir():
        raise UsageError(f"There is no folder {folder}; name the one that holds runs.")
    found = []
    for place, inner, files in os.walk(top):
        if METRICS in files or MADE_BY in files:
            found.append(read_run(place))
            inner.clear()  # of its bundle and pictures
        inner.sort()
    if not found:
        raise UsageError(f"There is no run in {folder}: no folder with {METRICS}.")
    return sorted(found, key=lambda run: str(run.starts[0].get("began", "")) if run.starts else "")


def read_run(folder: str | os.PathLike[str]) -> RunFolder:
    """Read a run folder, whatever state it is in.

    Raises:
        UsageError: it is no run: neither ``metrics.jsonl`` nor ``run.json`` is there.
    """
    path = Path(folder)
    if not ((path / METRICS).is_file() or (path / MADE_BY).is_file()):
        raise UsageError(f"{folder} is no run: it has no {METRICS}.")
    problems: list[str] = []
    config = _read(path / CONFIG, problems)
    starts = _read(path / MADE_BY, problems).get("starts", []) if (path / MADE_BY).exists() else []
    if not (isinstance(starts, list) and all(isinstance(start, dict) for start in starts)):
        problems.append(f"{MADE_BY} has no list of starts")
        starts = []
    rows = _rows(path / METRICS, problems)
    lost = went_on_from(starts) - len(rows)
    if lost > 0:
        problems.append(f"{METRICS} lacks {counted(lost, 'step')}")
    return RunFolder(path, config, starts, rows, _running(path), problems)


def differences(runs: Sequence[RunFolder]) -> dict[str, list[Any]]:
    """Return the values of the dotted keys in which the configurations of runs differ, in the order of the runs.

    None stands for a key that a run does not have, as the options of another kind of loss.
    """
    flat = [flatten(run.config) for run in runs]
    keys = sorted({key for each in flat for key in each})
    values = {key: [each.get(key) for each in flat] for key in keys}
    return {key: each for key, each in values.items() if any(value != each[0] for value in each)}


def _read(path: Path, problems: list[str]) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
        entries = json.loads(content) if len(content) <= LARGEST else None
    except OSError as error:
        problems.append(f"{path.name}: {error.strerror}")
        return {}
    except (ValueError, RecursionError):
        entries = None
    if not isinstance(entries, dict):
        problems.append(f"{path.name} is damaged")
        return {}
    return entries


def _rows(path: Path, problems: list[str]) -> list[dict[str, Any]]:
    rows, broken = [], 0
    try:
        with path.open("rb") as file:
            for line in file:
                try:
                    row = json.loads(line)
                except (ValueError, RecursionError):
                    row = None
                if isinstance(row, dict) and isinstance(row.get("step"), int) and 0 < row["step"] < LAST_STEP:
                    rows.append(row)
                else:
                    broken += 1
    except OSError as error:
        problems.append(f"{path.name}: {error.strerror}")
    if broken:
        problems.append(f"{path.name} has {counted(broken, 'line')} that cannot be read")
    return rows


def _running(folder: Path, now: Callable[[], float] = time.time) -> bool:
    trains = is_held(folder)
    if trains is not None:
        return trains
    try:
        return now() - (folder / METRICS).stat().st_mtime < RECENT
    except OSError:
        return False
