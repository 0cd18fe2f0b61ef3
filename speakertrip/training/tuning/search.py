"""A search over margin, hard share, batch shape and learning rate."""

import hashlib
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from speakertrip.config import TrainConfig, TuneSpace
from speakertrip.errors import SpeakertripWarning, UsageError
from speakertrip.manifests import Utterance
from speakertrip.training.group import launched
from speakertrip.training.interrupts import interruptible
from speakertrip.training.source import Source, open_source
from speakertrip.training.tuning.jobs import work_together
from speakertrip.training.tuning.judging import Judges
from speakertrip.training.tuning.records import TrialRecord, write_records
from speakertrip.training.tuning.report import Findings, find, write_findings
from speakertrip.training.tuning.space import SearchSpace, shorten
from speakertrip.training.tuning.trial import run_trial

if TYPE_CHECKING:  # without optuna, what is missing is said by tune
    from speakertrip.training.tuning.study import Claim


def _nobody(record: TrialRecord) -> None:
    """Hear of a trial."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a tune is; all that another process needs to work on it.

    Attributes:
        recipe: that the trials vary.
        data: the folder of the training manifest.
        out: the folder of the tune.
        trials: how many, in all.
        steps: of each; None: the recipe's.
        ranges: what may be tried.
        device: "auto", "cpu", "cuda" or "mps".
        on_trial: called with each trial that has ended; a function of a module, where there are several processes.
    """

    recipe: TrainConfig
    data: str | PathLike[str]
    out: str | PathLike[str]
    trials: int
    steps: int | None = None
    ranges: TuneSpace = field(default_factory=TuneSpace)
    device: str = "auto"
    on_trial: Callable[[TrialRecord], None] = _nobody


def tune(plan: Plan, jobs: int = 1, threads: int | None = None) -> Findings:
    """Search margin, hard share, P x K and learning rate of the triplet loss; go on where an earlier call stopped.

    Every trial is a run of its own, in ``out/trials/NUMBER``. Speakers are held out of the training manifest twice
    (``Judges``): those of a run choose its best step and stop hopeless trials, those of the tune alone say which
    trial is best. No dev list is read. The best of many trials is still the luckiest of them too: expect its EER to
    be somewhat higher on other speakers.

    The first trial is the recipe itself, where it lies in the space. Points are drawn by a tree-structured Parzen
    estimator (Bergstra et al., NeurIPS 2011), and a trial whose lowest validation EER is above the median of the
    others' at that step is pruned. Writes ``study.db``, ``trials.jsonl``, ``best.toml`` and ``margin.png``.

    Args:
        plan: what is tried, on what.
        jobs: processes; the same call may run several times on one folder as well.
        threads: CPU threads of each; None: all cores, shared among them.

    Returns:
        What came out; not ``done`` if it was interrupted, or if other processes are still at work.

    Raises:
        UsageError: the extra is not installed, ``out`` holds another tune or other files, or torchrun is at work.
        ConfigError: the recipe has another loss, or the space no batch that can be filled.
        DataError, AudioError, StorageError, TrainingError: as of ``train``.
    """
    _require_extra()
    if launched():
        raise UsageError(
            "A tune shares its trials by --jobs, or by several calls on one folder; start it without torchrun."
        )
    workshop = Workshop(plan)
    try:
        if jobs == 1:
            workshop.work()
        else:
            work_together(_work, plan, jobs, threads)
        return workshop.report()
    finally:
        workshop.study.close()


class Workshop:
    """A process that works on a tune."""

    def __init__(self, plan: Plan) -> None:
        from speakertrip.training.tuning.study import Study

        self.plan, self.folder = plan, Path(plan.out)
        _require_own_folder(self.folder)
        recipe = plan.recipe
        self.recipe = shorten(recipe, plan.steps or recipe.optimizer.steps)
        self.judges = Judges(recipe, plan.data, self.folder)
        voices = len(recipe.data.speeds) * len(recipe.data.pitches)
        speakers = len({u.speaker for u in self.judges.kept}) - recipe.validation.speakers
        space = SearchSpace.of(recipe, plan.ranges, speakers * voices)
        manifest = (Path(plan.data) / recipe.data.manifest).read_bytes()
        origin = {
            "configuration": recipe.model_dump(mode="json", exclude_defaults=True),
            "number of steps": self.recipe.optimizer.steps,
            "space": plan.ranges.model_dump(mode="json", exclude_defaults=True),
            "training manifest": hashlib.sha256(manifest).hexdigest(),
        }
        warmup = self.recipe.optimizer.warmup_steps
        first = space.recipe_point(recipe)
        self.study = Study(self.folder, space, first, origin, recipe.seed, warmup)
        if first is None and not self.study.records():
            text = "The recipe's own values are no point of the space: no trial stands for them, to be compared with."
            warnings.warn(text, SpeakertripWarning, stacklevel=3)
        with self.study.lock:
            self.judges.write()
        self.source: Source | None = None

    def work(self) -> None:
        """Run trials until there are enough, or until Ctrl-C."""
        with interruptible() as interrupted:  # a trial that Ctrl-C finds at its end does not stop for it
            while not interrupted() and (claim := self.study.claim(self.plan.trials)):
                record = self._run(claim)
                if record:
                    self.plan.on_trial(record)

    def _run(self, claim: "Claim") -> TrialRecord | None:
        plan = self.plan
        try:
            record = run_trial(
                self.study, claim, self.recipe, self.judges, plan.data, plan.device, self._source
            )
        finally:
            claim.lock.release()
        if record:
            with self.study.lock:
                write_records(self.folder / "trials.jsonl", self.study.records())
        return record

    def _source(
        self, kept: Sequence[Utterance], memory_gib: float, on_decode: Callable[[int], None]
    ) -> Source:
        # All trials have the same training speakers: seed and number of speakers are not searched.
        if self.source is None:
            with interruptible() as interrupted:

                def heed(done: int) -> None:
                    on_decode(done)
                    if interrupted():  # no step is under way that would be lost
                        raise KeyboardInterrupt

                self.source = open_source(kept, memory_gib, heed)
        return self.source

    def report(self) -> Findings:
        """Compare the trials that have ended, and write what came out."""
        findings = find(self.folder, self.study.records(), self.judges, self.plan.trials)
        with self.study.lock:
            write_findings(self.folder, findings, self.plan.recipe)
        return findings


def _work(plan: Plan) -> None:
    workshop = Workshop(plan)
    try:
        workshop.work()
    finally:
        workshop.study.close()


def _require_own_folder(folder: Path) -> None:
    """Refuse a folder of something else: a data folder, say, whose training manifest a tune's would replace."""
    names = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    if names - {"study.lock"} and "study.db" not in names:
        raise UsageError(
            f"{folder} holds other files and no tune; name a folder that is empty or not there yet."
        )


def _require_extra() -> None:
    missing = [name for name in ("optuna", "matplotlib") if find_spec(name) is None]
    if missing:
        raise UsageError(f"A tune needs {' and '.join(missing)}: install the tune extra, speakertrip[tune].")
