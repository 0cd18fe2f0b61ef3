"""What a tune leaves: the best configuration, a table of all trials, and how sure it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from speakertrip.config import TrainConfig, to_toml
from speakertrip.manifests.lines import write_lines
from speakertrip.metrics import PairedDifference
from speakertrip.training.tuning.judging import Judges
from speakertrip.training.tuning.records import TrialRecord, trial_folder
from speakertrip.training.tuning.space import place


@dataclass(frozen=True, slots=True)
class Findings:
    """What came out.

    Attributes:
        records: of all trials: complete ones first, the best at the top; the others by number.
        behind: for each other complete trial, by its number, how its EER differs from that of the best, over the same
            draws of speakers; not ``real`` where the two are not told apart.
        speakers: that judged.
        trials: among them, of which ``targets`` are target trials.
        targets: see ``trials``.
        wanted: trials in all, when the tune is done.
    """

    records: Sequence[TrialRecord]
    behind: dict[int, PairedDifference]
    speakers: int
    trials: int
    targets: int
    wanted: int

    @property
    def best(self) -> TrialRecord | None:
        """The complete trial with the lowest EER; None while there is none."""
        return next((record for record in self.records if record.state == "complete"), None)

    @property
    def not_told_apart(self) -> list[int]:
        """The numbers of the trials whose lag behind the best may be chance."""
        return [number for number, paired in self.behind.items() if not paired.real]

    @property
    def done(self) -> bool:
        """Whether all trials have ended."""
        return sum(record.state != "running" for record in self.records) >= self.wanted

    def to_json(self) -> list[dict[str, Any]]:
        """Return one object for each trial, in order, as JSON types."""
        return [record.to_json() | self._comparison(record.number) for record in self.records]

    def _comparison(self, number: int) -> dict[str, Any]:
        paired = self.behind.get(number)
        if paired is None:
            return {"best": True} if self.best and number == self.best.number else {}
        return {
            "behind": paired.difference,
            "behind_interval": list(paired.interval),
            "told_apart": paired.real,
        }


def find(folder: Path, records: Sequence[TrialRecord], judges: Judges, wanted: int) -> Findings:
    """Order the trials and compare each complete one with the best."""

    def order(record: TrialRecord) -> tuple[bool, float, int]:
        complete = record.state == "complete"
        return not complete, record.verdict.eer if complete and record.verdict else 0.0, record.number

    ordered = sorted(records, key=order)
    complete = [trial_folder(folder, record.number) for record in ordered if record.state == "complete"]
    behind = {int(other.name): judges.compare(other, complete[0]) for other in complete[1:]}
    list_ = judges.validation.trials
    return Findings(ordered, behind, judges.validation.speakers, len(list_), int(list_.targets.sum()), wanted)


def write_findings(folder: Path, findings: Findings, recipe: TrainConfig) -> None:
    """Write ``best.toml``, the recipe with the best values and its own number of steps, and ``margin.png``.

    Raises:
        StorageError: they cannot be written.
    """
    from speakertrip.metrics.plot import save
    from speakertrip.training.tuning.plot import plot_margin

    best = findings.best
    if best and best.point and best.verdict:
        low, high = best.verdict.interval
        heading = (
            f"# Trial {best.number} of a tune: EER {best.verdict.eer:.2%} [{low:.2%}, {high:.2%}] after "
            f"{best.steps} steps, on {findings.speakers} speakers held out of training."
        )
        write_lines(folder / "best.toml", [heading, to_toml(place(recipe, best.point))])
    if any(record.verdict for record in findings.records):
        save(plot_margin(findings), folder / "margin.png")
