"""``speakertrip evaluate``."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from speakertrip.cli.gathering import gathered
from speakertrip.cli.lists import ListOptions, Lists, list_options
from speakertrip.cli.models import DeviceOptions, ModelOptions
from speakertrip.cli.numbers import Prior
from speakertrip.cli.options import device_options, json_option, model_options, print_json
from speakertrip.cli.scoring import (
    caution,
    refuse_overwriting,
    same_trials_option,
    score_by_model,
    scores_of_files,
)
from speakertrip.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from speakertrip.evaluation import Report


@dataclass(frozen=True, slots=True)
class SystemOptions:
    """What is evaluated: a model, or the scores of one, or of several that are fused.

    Attributes:
        model: a bundle, which need not be named.
        scores: score files.
        calibration: of these.
        same_trials: whether it may have been fitted on the trials.
        device: what the model computes on.
    """

    model: ModelOptions
    scores: tuple[str, ...]
    calibration: str | None
    same_trials: bool
    device: DeviceOptions

    @property
    def name(self) -> str:
        """What it is called in a report."""
        return " + ".join(self.scores) or self.model.name

    def require_one(self, named: bool, write_scores: str | None) -> None:
        """Refuse options that do not go together.

        Args:
            named: whether the model was named in the call.
            write_scores: the option of that name.

        Raises:
            UsageError: they do not.
        """
        if self.scores and named:
            raise UsageError("--model and --scores exclude each other: a model makes its own scores.")
        if not self.scores and self.calibration:
            raise UsageError("--calibration is for --scores; a bundle has its own, see speakertrip backend.")
        if len(self.scores) > 1 and not self.calibration:
            raise UsageError("Several --scores are fused by a --calibration, see speakertrip calibrate.")
        if self.scores and write_scores and not self.calibration:
            raise UsageError(
                "--write-scores writes the scores of a model, or calibrated ones; --scores has these already."
            )

    def read(self, listed: ListOptions) -> Lists:
        """Read the lists, which name the audio too where a model needs it.

        Raises:
            SpeakertripError: as of ``ListOptions``.
        """
        return listed.read() if self.scores else listed.read_for_audio()

    def score(self, lists: Lists) -> "npt.NDArray[np.floating]":
        """Return the scores of the trials.

        Raises:
            SpeakertripError: as of ``scores_of_files`` and ``score_by_model``.
        """
        if self.scores:
            return scores_of_files(lists.trials, self.scores, self.calibration, self.same_trials)
        return score_by_model(lists, self.model, self.device, self.same_trials)


@click.command()
@model_options
@click.option(
    "--scores", multiple=True, metavar="SCORES",
    help="Evaluate this score file and no model; several, in the order of calibrate, are fused by a calibration.",
)  # fmt: skip
@click.option(
    "--calibration", metavar="FILE", help="Turn scores into likelihood ratios by what calibrate wrote."
)
@list_options
@click.option("--report", metavar="FOLDER", help="Write report.json, report.md and pictures into it.")
@click.option("--write-scores", metavar="FILE", help="Write 'enrollment test score' a line.")
@click.option(
    "--p-target", "p_targets", type=Prior(), multiple=True,
    help="Give minDCF and actDCF at this target prior, beside 0.01 and 0.05; repeatable.",
)  # fmt: skip
@click.option(
    "--replicates", type=click.IntRange(100), default=1_000, show_default=True,
    help="Draws of speakers for the intervals; fewer for millions of trials.",
)  # fmt: skip
@same_trials_option
@json_option
@device_options
@gathered(SystemOptions, "system")
@click.pass_context
def evaluate(
    ctx: click.Context,
    system: SystemOptions,
    listed: ListOptions,
    report: str | None,
    write_scores: str | None,
    p_targets: tuple[float, ...],
    replicates: int,
    as_json: bool,
) -> None:
    """Print the error rates of a model, or of scores, on a trial list.

    A score file holds 'enrollment test score' a line, or 'score enrollment test', in any order. Without a manifest,
    ids that target trials join count as one speaker. An interval that rests on fewer than ten speakers with target
    trials is printed with a warning.
    """
    named = ctx.get_parameter_source("model") is ParameterSource.COMMANDLINE
    system.require_one(named or system.model.revision is not None, write_scores)
    inputs = (*listed.files, system.calibration, *system.scores)
    if write_scores:
        refuse_overwriting("--write-scores", write_scores, *inputs)
    from speakertrip import evaluation, manifests
    from speakertrip.evaluation.folder import FILES

    for file in FILES if report else ():
        refuse_overwriting("--report", str(Path(str(report)) / file), *inputs)

    lists = system.read(listed)
    found = system.score(lists)
    if write_scores:
        manifests.write_scores(write_scores, lists.trials, found)
    priors = sorted({*evaluation.P_TARGETS, *p_targets})
    result = evaluation.report(lists.trials, found, lists.speakers, priors, replicates)
    if report:
        sides = evaluation.sides_of(lists.utterances, lists.models) if lists.utterances else {}
        conditions = evaluation.report_conditions(lists.trials, found, sides) if sides else []
        if not evaluation.write_report(report, system.name, lists.trials, found, result, conditions):
            click.echo("The report has no pictures: install the plot extra, speakertrip[plot].", err=True)
    if words := caution(result.targets, result.target_speakers):
        click.echo(words, err=True)
    if as_json:
        print_json(result.to_json())
    else:
        click.echo(_table(result))


def _table(result: "Report") -> str:
    from speakertrip.evaluation.folder import table

    return "\n".join(f"{name:<18}{value}" for name, value in table(result))
