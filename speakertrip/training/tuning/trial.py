"""One trial of a tune: a training run of its own, judged when it has ended."""

import time
from dataclasses import dataclass
from os import PathLike
from typing import TYPE_CHECKING

from speakertrip.config import TrainConfig
from speakertrip.errors import DivergedError
from speakertrip.training.checkpoint import Checkpoints
from speakertrip.training.loop import train
from speakertrip.training.record import StepRecord
from speakertrip.training.runs import read_run
from speakertrip.training.source import SourceOpener
from speakertrip.training.tuning.judging import Judges
from speakertrip.training.tuning.records import State, TrialRecord, trial_folder
from speakertrip.training.tuning.space import place

if TYPE_CHECKING:  # without optuna, what is missing is said by tune
    from speakertrip.training.tuning.study import Claim, Study


class _Hopeless(Exception):  # noqa: N818
    """Others were better at the same step."""


@dataclass(frozen=True, slots=True)
class _Watch:
    """What a run says while it goes; after its last step nothing is left to stop."""

    study: "Study"
    claim: "Claim"
    last: int

    def __call__(self, record: StepRecord) -> None:
        eer = record.validation_eer
        if eer is not None and record.step < self.last and self.study.report(self.claim, record.step, eer):
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
        SpeakertripError: as of ``train``; but a training that has diverged is a trial that failed.
    """
    began, folder = time.perf_counter(), trial_folder(study.folder, claim.number)
    config = place(recipe, claim.point)
    config = config.model_copy(
        update={"data": config.data.model_copy(update={"manifest": str(judges.manifest)})}
    )
    watch = _Watch(study, claim, config.optimizer.steps)
    resume = Checkpoints(folder).exist()
    state: State = "complete"
    verdict, reason = None, ""
    try:
        try:
            if resume and study.is_hopeless(claim):  # cut off before that was told
                raise _Hopeless
            if not train(config, data, folder, resume, device, on_record=watch, source_of=source_of):
                return None
        except _Hopeless:
            state = "pruned"
        verdict = judges.judge(folder, device)
    except DivergedError as error:
        state, reason = "failed", str(error)
    return study.tell(claim, state, verdict, read_run(folder).step, time.perf_counter() - began, reason)
