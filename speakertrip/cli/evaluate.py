"""``speakertrip evaluate``."""

from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from speakertrip.cli.models import DeviceOptions, ModelOptions
from speakertrip.cli.options import Prior, device_options, json_option, optional_model_option, print_json
from speakertrip.cli.scoring import (
    caution,
    list_options,
    read_lists,
    read_lists_and_audio,
    refuse_overwriting,
    same_trials_option,
    score_by_model,
    scores_of_files,
)
from speakertrip.errors import UsageError

if TYPE_CHECKING:
    from speakertrip.evaluation import Report


@click.command()
@optional_model_option
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
@click.pass_context
def evaluate(
    ctx: click.Context,
    model: str | None,
    revision: str | None,
    scores: tuple[str, ...],
    calibration: str | None,
    trials: str,
    manifest: str | None,
    enrollments: str | None,
    report: str | None,
    write_scores: str | None,
    p_targets: tuple[float, ...],
    replicates: int,
    same_trials: bool,
    as_json: bool,
    device: DeviceOptions,
) -> None:
    """Print the error rates of a model, or of scores, on a trial list.

    A score file holds 'enrollment test score' a line, or 'score enrollment test', in any order. Without a manifest,
    ids that target trials join count as one speaker. An interval that rests on fewer than ten speakers with target
    trials is printed with a warning.
    """
    named = ctx.get_parameter_source("model") is ParameterSource.COMMANDLINE or revision is not None
    _require_one_system(model, named, scores, calibration, write_scores)
    inputs = (trials, manifest, enrollments, calibration, *scores)
    if write_scores:
        refuse_overwriting("--write-scores", write_scores, *inputs)
    from speakertrip import evaluation, manifests
    from speakertrip.evaluation.folder import FILES

    for file in FILES if report else ():
        refuse_overwriting("--report", str(Path(str(report)) / file), *inputs)

    lists = (read_lists if scores else read_lists_and_audio)(trials, manifest, enrollments)
    found = (
        scores_of_files(lists.trials, scores, calibration, same_trials)
        if scores
        else score_by_model(lists, ModelOptions(str(model), revision), device, same_trials)
    )
    if write_scores:
        manifests.write_scores(write_scores, lists.trials, found)
    priors = sorted({*evaluation.P_TARGETS, *p_targets})
    result = evaluation.report(lists.trials, found, lists.speakers, priors, replicates)
    if report:
        sides = evaluation.sides_of(lists.utterances, lists.models) if lists.utterances else {}
        conditions = evaluation.report_conditions(lists.trials, found, sides) if sides else []
        name = " + ".join(scores) or str(model)
        if not evaluation.write_report(report, name, lists.trials, found, result, conditions):
            click.echo("The report has no pictures: install the plot extra, speakertrip[plot].", err=True)
    if words := caution(result.targets, result.target_speakers):
        click.echo(words, err=True)
    if as_json:
        print_json(result.to_json())
    else:
        click.echo(_table(result))


def _require_one_system(
    model: str | None, named: bool, scores: tuple[str, ...], calibration: str | None, write_scores: str | None
) -> None:
    """Refuse options that do not go together; a model may stand in the environment without being named."""
    if not (scores or model):
        raise UsageError("Name what to evaluate: --model BUNDLE, or --scores SCORES.")
    if scores and named:
        raise UsageError("--model and --scores exclude each other: a model makes its own scores.")
    if not scores and calibration:
        raise UsageError("--calibration is for --scores; a bundle has its own, see speakertrip backend.")
    if len(scores) > 1 and not calibration:
        raise UsageError("Several --scores are fused by a --calibration, see speakertrip calibrate.")
    if scores and write_scores and not calibration:
        raise UsageError(
            "--write-scores writes the scores of a model, or calibrated ones; --scores has these already."
        )


def _table(result: "Report") -> str:
    from speakertrip.evaluation.folder import table

    return "\n".join(f"{name:<18}{value}" for name, value in table(result))
