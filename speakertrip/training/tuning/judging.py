"""Who judges the trials of a tune: speakers that neither train them nor choose their steps."""

from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from speakertrip.bundle import Bundle
from speakertrip.config import TrainConfig
from speakertrip.corpora import split_speakers
from speakertrip.embedding import Embedder
from speakertrip.manifests import read_manifest, read_scores, write_manifest, write_scores, write_trials
from speakertrip.metrics import (
    PairedDifference,
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
        out: the folder of the tune.

    Raises:
        DataError, AudioError: the manifest or the audio cannot be used.

    Attributes:
        manifest: in ``out``, the training manifest without the judging speakers; ``write`` writes it.
        kept: its utterances.
        held: those of the judging speakers.
    """

    def __init__(self, recipe: TrainConfig, data: str | PathLike[str], out: Path) -> None:
        utterances = read_manifest(Path(data) / recipe.data.manifest)
        self.kept, self.held = split_speakers(utterances, recipe.validation.speakers, recipe.seed)
        self.folder = out.absolute()
        self.manifest = self.folder / TRAIN
        self.validation = Validation(self.held, recipe)

    def write(self) -> None:
        """Write the two manifests and the trial list.

        Raises:
            StorageError: they cannot be written.
        """
        write_manifest(self.manifest, self.kept)
        write_manifest(self.folder / JUDGING, self.held)
        write_trials(self.folder / TRIALS, self.validation.trials)

    def judge(self, run: Path, device: str) -> Verdict:
        """Score the trials with the best model of a run, and keep the scores in ``run/scores.judging.txt``."""
        found = self.validation.run(Embedder(Bundle.load(run / "bundle").model, device))
        write_scores(run / SCORES, self.validation.trials, found.scores)
        return Verdict(found.calibration.eer, found.calibration.eer_interval or (0.0, 1.0))

    def compare(self, run: Path, other: Path) -> PairedDifference:
        """Return how the EER of one judged run differs from that of another, over the same draws of speakers."""
        trials = self.validation.trials
        scores, others = (read_scores(each / SCORES, trials) for each in (run, other))
        sides = self.validation.enrollment_speakers, self.validation.test_speakers
        eer = {"eer": lambda resample: equal_error_rate(resample.curve)}
        return paired_differences(scores, others, trials.targets, *sides, eer)["eer"]
