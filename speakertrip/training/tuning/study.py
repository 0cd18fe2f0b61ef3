"""The study: which point is tried next, and what is kept of each. Needs optuna (the ``tune`` extra)."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
from filelock import FileLock, Timeout
from optuna.trial import FrozenTrial, Trial, TrialState
from sqlalchemy import URL
from sqlalchemy.exc import SQLAlchemyError

from speakertrip.errors import StorageError, UsageError
from speakertrip.training.tuning.judging import Verdict
from speakertrip.training.tuning.records import State, TrialRecord
from speakertrip.training.tuning.space import Point, SearchSpace

STARTUP = (
    5  # points drawn by chance before the search learns from them, and trials that no other is stopped by
)
DIGITS = 3  # of a value: more could not be told apart
PATIENCE = 60.0  # seconds to wait for another process that writes
STATES: Mapping[TrialState, State] = {
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "pruned",
    TrialState.RUNNING: "running",
}


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

    def report(self, step: int, eer: float) -> bool:
        """Take in the error rate of a validation, and return whether the trial is hopeless."""
        if step not in self.trial.study.trials[self.number].intermediate_values:
            self.trial.report(eer, step)
        return self.trial.should_prune()


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
        with _storing(folder):
            folder.mkdir(parents=True, exist_ok=True)
        self.lock = FileLock(folder / "study.lock")
        with _storing(folder), self.lock:
            url = URL.create("sqlite", database=str((folder / "study.db").absolute()))
            self.storage = optuna.storages.RDBStorage(
                url.render_as_string(), engine_kwargs={"connect_args": {"timeout": PATIENCE}}
            )
            self.study = optuna.create_study(
                study_name="tune",
                storage=self.storage,
                pruner=optuna.pruners.MedianPruner(STARTUP, warmup_steps),
                load_if_exists=True,
            )
            self._require_same(origin)
            if first and not self.study.trials:
                self.study.enqueue_trial(_values(first))

    def claim(self, wanted: int) -> Claim | None:
        """Return a trial to run: one that was cut off, or a new one while there are fewer than wanted; else None."""
        with _storing(self.folder), self.lock:
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
        found = {"steps": steps, "seconds": seconds, "reason": reason, "failed": state == "failed"}
        if verdict:
            found |= {"eer": verdict.eer, "eer_interval": list(verdict.interval)}
        with _storing(self.folder), self.lock:
            for name, value in found.items():
                claim.trial.set_user_attr(name, value)
            if state == "complete" and verdict:
                self.study.tell(claim.trial, verdict.eer)
            else:  # a failed one too: of trials without any validation the search thinks worst
                self.study.tell(claim.trial, state=TrialState.PRUNED)
        claim.lock.release()
        return self.records()[claim.number]

    def records(self) -> list[TrialRecord]:
        """Return all trials that were begun, by number."""
        with _storing(self.folder):
            trials = self.study.get_trials(deepcopy=False)
        return [self._record(frozen) for frozen in trials if frozen.state != TrialState.WAITING]

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
        return Claim(trial, self._point(trial.params), lock)

    def _point(self, drawn: Mapping[str, Any]) -> Point:
        margin, share, lr = (float(f"{drawn[name]:.{DIGITS}g}") for name in ("margin", "hard_share", "lr"))
        return Point(margin, share, self.space.speakers[drawn["utterances"]], drawn["utterances"], lr)

    def _hold(self, number: int) -> FileLock | None:
        path = self.folder / "trials" / f"{number:04d}.lock"
        path.parent.mkdir(exist_ok=True)
        lock = FileLock(path, thread_local=False)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return None
        return lock

    def _record(self, frozen: FrozenTrial) -> TrialRecord:
        found = frozen.user_attrs
        return TrialRecord(
            number=frozen.number,
            state="failed" if found.get("failed") else STATES[frozen.state],
            point=self._point(frozen.params) if "lr" in frozen.params else None,  # drawn last
            verdict=Verdict(found["eer"], tuple(found["eer_interval"])) if "eer" in found else None,
            steps=found.get("steps", 0),
            seconds=found.get("seconds", 0.0),
            reason=found.get("reason", ""),
        )

    def _require_same(self, origin: Mapping[str, Any]) -> None:
        before = self.study.user_attrs
        for name, value in origin.items():
            if before.get(name, value) != value:
                raise UsageError(
                    f"{self.folder} holds a tune that was begun with another {name}; go on with the same, or name "
                    "another folder."
                )
            self.study.set_user_attr(name, value)


def _values(point: Point) -> dict[str, Any]:
    return {
        "margin": point.margin,
        "hard_share": point.hard_share,
        "utterances": point.utterances,
        "lr": point.lr,
    }


@contextmanager
def _storing(folder: Path) -> Iterator[None]:
    try:
        yield
    except (optuna.exceptions.StorageInternalError, SQLAlchemyError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise StorageError(f"Cannot use {folder / 'study.db'}: {reason}.") from None
