"""The study: which point is tried next, by whom, and until when. Needs optuna (the ``tune`` extra)."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
from filelock import FileLock, Timeout
from optuna.trial import Trial, TrialState

from speakertrip.training.tuning.database import open_storage, read_trial, require_same, storing, write_trial
from speakertrip.training.tuning.judging import Verdict
from speakertrip.training.tuning.records import State, TrialRecord
from speakertrip.training.tuning.space import Point, SearchSpace

STARTUP = (
    5  # points drawn by chance before the search learns from them, and trials that no other is stopped by
)


@dataclass(frozen=True, slots=True)
class Claim:
    """A trial that is this process's to run, until ``Study.tell``.

    Attributes:
        trial: of optuna.
        point: to try.
        lock: held for as long as the process lives.
    """

    trial: Trial
    point: Point
    lock: FileLock

    @property
    def number(self) -> int:
        """Of the trial, from 0."""
        return self.trial.number


class Study:
    """Trials in an SQLite file, shared by all processes that work on one folder.

    A trial that nobody holds any more (its process was stopped or killed: locks end with their process) is claimed
    again before a new one is begun. The draw of a trial depends on the seed, its number and the trials that have
    ended before, so that one process interrupted and started again tries the points of one that was not.

    Args:
        folder: of the tune.
        space: what may be tried.
        first: a point to begin with, as the recipe's own; None: all are drawn.
        origin: what the trials depend on, by name; a study goes on with the same only.
        seed: of the draws.
        warmup_steps: before which no trial is stopped.

    Raises:
        UsageError: the folder has a study of another origin.
        StorageError: it cannot be written.
    """

    def __init__(
        self,
        folder: Path,
        space: SearchSpace,
        first: Point | None,
        origin: Mapping[str, Any],
        seed: int,
        warmup_steps: int,
    ) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self.folder, self.space, self.seed = folder, space, seed
        with storing(folder):
            folder.mkdir(parents=True, exist_ok=True)
        self.lock = FileLock(folder / "study.lock")
        with storing(folder), self.lock:
            self.storage = open_storage(folder)
            self.study = optuna.create_study(
                study_name="tune",
                storage=self.storage,
                pruner=optuna.pruners.MedianPruner(STARTUP, warmup_steps),
                load_if_exists=True,
            )
            require_same(self.study, origin, folder)
            if first and not self.study.trials:
                self.study.enqueue_trial(first.drawn())

    def claim(self, wanted: int) -> Claim | None:
        """Return a trial to run: one that was cut off, or a new one while there are fewer than wanted; else None."""
        with storing(self.folder), self.lock:
            trials = self.study.get_trials(deepcopy=False)
            for frozen in trials:
                if frozen.state == TrialState.RUNNING and (lock := self._hold(frozen.number)):
                    self._seed(frozen.number)
                    return self._draw(Trial(self.study, frozen._trial_id), lock)
            begun = sum(frozen.state != TrialState.WAITING for frozen in trials)
            if begun >= wanted:
                return None
            self._seed(begun)
            trial = self.study.ask()
            lock = self._hold(trial.number)
            assert lock is not None, "a trial that was just made is nobody's"
            return self._draw(trial, lock)

    def report(self, claim: Claim, step: int, eer: float) -> bool:
        """Take in the error rate of a validation, and return whether the trial is hopeless."""
        with storing(self.folder), self.lock:
            trials = self.study.get_trials(deepcopy=False)
            if step not in trials[claim.number].intermediate_values:
                claim.trial.report(eer, step)
        return self.is_hopeless(claim)

    def is_hopeless(self, claim: Claim) -> bool:
        """Return whether others were better at the last step of which a trial has reported."""
        with storing(self.folder), self.lock:
            return claim.trial.should_prune()

    def tell(
        self,
        claim: Claim,
        state: State,
        verdict: Verdict | None,
        steps: int,
        seconds: float,
        reason: str = "",
    ) -> TrialRecord:
        """End a trial, and return what is known of it."""
        found: dict[str, Any] = {"steps": steps, "seconds": seconds, "reason": reason}
        if verdict:
            found |= {"eer": verdict.eer, "eer_interval": list(verdict.interval)}
        with storing(self.folder), self.lock:
            write_trial(self.study, claim.trial, state, found)
        claim.lock.release()
        return self.records()[claim.number]

    def records(self) -> list[TrialRecord]:
        """Return all trials that were begun, by number."""
        with storing(self.folder):
            trials = self.study.get_trials(deepcopy=False)
        return [read_trial(frozen, self.space) for frozen in trials if frozen.state != TrialState.WAITING]

    def close(self) -> None:
        """Let go of the file."""
        self.storage.remove_session()
        self.storage.engine.dispose()

    def _seed(self, number: int) -> None:
        self.study.sampler = optuna.samplers.TPESampler(
            n_startup_trials=STARTUP, seed=(self.seed * 1_000_003 + number) % 2**32
        )

    def _draw(self, trial: Trial, lock: FileLock) -> Claim:
        """Draw what was not drawn yet."""
        space = self.space
        trial.suggest_float("margin", *space.margin, log=True)
        trial.suggest_float("hard_share", *space.hard_share, log=True)
        trial.suggest_categorical("utterances", list(space.speakers))
        trial.suggest_float("lr", *space.lr, log=True)
        return Claim(trial, self.space.point(trial.params), lock)

    def _hold(self, number: int) -> FileLock | None:
        path = self.folder / "trials" / f"{number:04d}.lock"
        path.parent.mkdir(exist_ok=True)
        lock = FileLock(path, thread_local=False)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return None
        return lock
