"""One trial of a tune: a training run of its own, judged when it has ended."""

import time
from dataclasses import dataclass
from os import PathLike
from typing import TYPE_CHECKING

from speakertrip.config import TrainConfig
from speakertrip.errors import TrainingError
from speakertrip.training.checkpoint import Checkpoints
from speakertrip.training.loop import train
from speakertrip.training.record import StepRecord
from speakertrip.training.source import SourceOpener
from speakertrip.training.tuning.judging import Judges
from speakertrip.training.tuning.records import State, TrialRecord, trial_folder
from speakertrip.training.tuning.space import place

if TYPE_CHECKING:  # without optuna, what is missing is said by tune
    from speakertrip.training.tuning.study import Claim, Study


class _Hopeless(Exception):  # noqa: N818
    """Others were better at the same step."""


@dataclass(slots=True)
class _Watch:
    """What a run says while it goes."""

    claim: "Claim"
    last: int
    step: int = 0

    def __call__(self, record: StepRecord) -> None:
        self.step = record.step
        if record.validation_eer is not None:
            hopeless = self.claim.report(record.step, record.validation_eer)
            if hopeless and record.step < self.last:
                raise _Hopeless


def run_trial(
    study: "Study",
    claim: "Claim",
    recipe: TrainConfig,
    judges: Judges,
    data: str | PathLike[str],
    device: str,
    source_of: SourceOpener,
) -> TrialRecord | None:
    """Train at the point of a trial, or go on where it was cut off, and have it judged.

    Args:
        study: that it belongs to.
        claim: of the trial.
        recipe: with the steps of a trial.
        judges: who say how good it is.
        data: the folder of the training manifest.
        device: where to train.
        source_of: opens the audio of the training utterances, which are those of all trials.

    Returns:
        What is known of it; None if it was interrupted.

    Raises:
        SpeakertripError: as of ``train``; but a training that collapses or is not finite is a trial that failed.
    """
    began, folder = time.perf_counter(), trial_folder(study.folder, claim.number)
    config = place(recipe, claim.point)
    config = config.model_copy(
        update={"data": config.data.model_copy(update={"manifest": str(judges.manifest)})}
    )
    watch = _Watch(claim, config.optimizer.steps)
    resume = Checkpoints(folder).exist()
    state: State = "complete"
    reason = ""
    try:
        if not train(config, data, folder, resume, device, on_record=watch, source_of=source_of):
            return None
    except _Hopeless:
        state = "pruned"
    except TrainingError as error:
        if not watch.step and not resume:  # it could not even begin: nothing that another point would change
            raise
        state, reason = "failed", str(error)
    verdict = judges.judge(folder, device) if state != "failed" else None
    steps = watch.step or watch.last  # a run that was cut off after its last step says nothing more
    return study.tell(claim, state, verdict, steps, time.perf_counter() - began, reason)
