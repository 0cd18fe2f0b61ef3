"""Who judges the trials of a tune: speakers that neither train them nor choose their steps."""

from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from speakertrip.backend import Backend
from speakertrip.bundle import Bundle
from speakertrip.config import TrainConfig
from speakertrip.corpora import split_speakers
from speakertrip.embedding import Embedder
from speakertrip.manifests import read_manifest, read_scores, write_manifest, write_scores, write_trials
from speakertrip.metrics import (
    PairedDifference,
    det_curve,
    eer_interval,
    equal_error_rate,
    paired_differences,
)
from speakertrip.training.validation import Validation

TRAIN, JUDGING = "manifest.train.jsonl", "manifest.judging.jsonl"
TRIALS, SCORES = "trials.judging.txt", "scores.judging.txt"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the judging speakers say of a trial.

    Attributes:
        eer: a fraction.
        interval: of 95 %, over speakers.
    """

    eer: float
    interval: tuple[float, float]


class Judges:
    """Speakers held out a second time, and a trial list among them.

    A run holds out speakers of its own, which choose its best step and stop hopeless trials. An error rate on these
    would favour trials that were lucky in that choice. So as many speakers again are taken off the training manifest
    before any run sees it, and these alone say which trial is best. No dev list has a part in it.

    Args:
        recipe: what its ``validation`` says of speakers, utterances and trials counts here too; its seed draws.
        data: the folder of the training manifest.
        out: where the two manifests and the trial list are written, if they are not there.

    Raises:
        DataError, AudioError, StorageError: the manifest, the audio or ``out`` cannot be used.

    Attributes:
        manifest: the training manifest without the judging speakers.
        kept: its utterances.
        held: those of the judging speakers.
    """

    def __init__(self, recipe: TrainConfig, data: str | PathLike[str], out: Path) -> None:
        utterances = read_manifest(Path(data) / recipe.data.manifest)
        self.kept, self.held = split_speakers(utterances, recipe.validation.speakers, recipe.seed)
        self.manifest = (out / TRAIN).absolute()
        self.validation = Validation(self.held, recipe)
        if not (out / TRIALS).exists():
            write_manifest(self.manifest, self.kept)
            write_manifest(out / JUDGING, self.held)
            write_trials(out / TRIALS, self.validation.trials)

    def judge(self, run: Path, device: str) -> Verdict:
        """Score the trials with the best model of a run, and keep the scores in ``run/scores.judging.txt``."""
        validation, backend = self.validation, Backend()
        embedder = Embedder(Bundle.load(run / "bundle").model, device)
        sides = backend.sides(embedder.embed(validation.waveforms))
        scores = backend.score(sides, sides, validation.first, validation.second)
        write_scores(run / SCORES, validation.trials, scores)
        truth = validation.trials.targets
        speakers = validation.enrollment_speakers, validation.test_speakers
        return Verdict(equal_error_rate(det_curve(scores, truth)), eer_interval(scores, truth, *speakers))

    def compare(self, run: Path, other: Path) -> PairedDifference:
        """Return how the EER of one judged run differs from that of another, over the same draws of speakers."""
        trials = self.validation.trials
        scores, others = (read_scores(each / SCORES, trials) for each in (run, other))
        sides = self.validation.enrollment_speakers, self.validation.test_speakers
        eer = {"eer": lambda resample: equal_error_rate(resample.curve)}
        return paired_differences(scores, others, trials.targets, *sides, eer)["eer"]
