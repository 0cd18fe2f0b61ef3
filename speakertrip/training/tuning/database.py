"""The file of a study, and what is kept in it of each trial. Needs optuna (the ``tune`` extra)."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import FrozenTrial, Trial, TrialState
from sqlalchemy import URL
from sqlalchemy.exc import SQLAlchemyError

from speakertrip.errors import StorageError, UsageError
from speakertrip.training.tuning.judging import Verdict
from speakertrip.training.tuning.records import State, TrialRecord
from speakertrip.training.tuning.space import SearchSpace

PATIENCE = 60.0  # seconds to wait for another process that writes
STATES: Mapping[TrialState, State] = {
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "pruned",
    TrialState.RUNNING: "running",
}


@contextmanager
def storing(folder: Path) -> Iterator[None]:
    """Within it an error of the file is a ``StorageError``, which names it."""
    try:
        yield
    except (optuna.exceptions.StorageInternalError, SQLAlchemyError, OSError) as error:
        cause = error.__cause__ or error  # optuna's own words name every fault that there might be
        reason = str(getattr(cause, "orig", cause)).splitlines()[0].rstrip(".")
        raise StorageError(f"Cannot use {folder / 'study.db'}: {reason}.") from None


def open_storage(folder: Path) -> optuna.storages.RDBStorage:
    """Open the file of a study in the folder of its tune, or make it."""
    url = URL.create("sqlite", database=str((folder / "study.db").absolute()))
    return optuna.storages.RDBStorage(
        url.render_as_string(), engine_kwargs={"connect_args": {"timeout": PATIENCE}}
    )


def require_same(study: optuna.Study, origin: Mapping[str, Any], folder: Path) -> None:
    """Keep what a study depends on, by name.

    Raises:
        UsageError: it was begun with something else.
    """
    before = study.user_attrs
    for name, value in origin.items():
        if before.get(name, value) != value:
            raise UsageError(
                f"{folder} holds a tune that was begun with another {name}; go on with the same, or name "
                "another folder."
            )
        study.set_user_attr(name, value)


def write_trial(study: optuna.Study, trial: Trial, state: State, found: Mapping[str, Any]) -> None:
    """End a trial with what was found: ``steps``, ``seconds``, ``reason``; ``eer`` and ``eer_interval`` if judged.

    The state is written last: of a process that is killed on the way nothing counts, and the trial is still running.
    """
    for name, value in found.items():
        trial.set_user_attr(name, value)
    trial.set_user_attr("failed", state == "failed")
    if state == "complete":
        study.tell(trial, found["eer"])
    else:  # a failed one too: of trials without any validation the search thinks worst
        study.tell(trial, state=TrialState.PRUNED)


def read_trial(frozen: FrozenTrial, space: SearchSpace) -> TrialRecord:
    """Return what is known of a trial."""
    ended = frozen.state != TrialState.RUNNING
    found = frozen.user_attrs if ended else {}
    return TrialRecord(
        number=frozen.number,
        state="failed" if found.get("failed") else STATES[frozen.state],
        point=space.point(frozen.params) if "lr" in frozen.params else None,  # drawn last
        verdict=Verdict(found["eer"], tuple(found["eer_interval"])) if "eer" in found else None,
        steps=found.get("steps", 0),
        seconds=found.get("seconds", 0.0),
        reason=found.get("reason", ""),
    )
