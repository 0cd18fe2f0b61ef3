"""``speakertrip evaluate``."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from speakertrip.cli.options import device_options, json_option, model_option, progress_bar
from speakertrip.errors import UsageError

if TYPE_CHECKING:
    from speakertrip.evaluation import Report


@click.command()
@model_option
@click.option("--trials", "trials_path", required=True, metavar="TRIALS", help="Trial list.")
@click.option(
    "--manifest", "manifest_path", required=True, metavar="MANIFEST", help="Where its ids are found."
)
@click.option(
    "--enrollments", metavar="MAP", help="Enrollment map: 'model utterance [utterance ...]' a line."
)
@click.option("--write-scores", metavar="FILE", help="Write 'enrollment test score' a line.")
@json_option
@device_options
def evaluate(
    model: str,
    trials_path: str,
    manifest_path: str,
    enrollments: str | None,
    write_scores: str | None,
    as_json: bool,
    device: str,
    threads: int | None,
) -> None:
    """Score a trial list and print its error rates.

    An interval that rests on fewer than ten speakers with target trials is printed with a warning.
    """
    inputs = {Path(file).resolve() for file in (trials_path, manifest_path, enrollments) if file}
    if write_scores and Path(write_scores).resolve() in inputs:
        raise UsageError(f"--write-scores {write_scores} would overwrite what is read; name another file.")
    from speakertrip import evaluation, manifests
    from speakertrip.bundle import Bundle
    from speakertrip.embedding import Embedder
    from speakertrip.metrics import MIN_SPEAKERS

    trials = manifests.read_trials(trials_path)
    utterances = manifests.read_manifest(manifest_path)
    models = manifests.read_enrollment_map(enrollments) if enrollments else None
    speakers = evaluation.speakers_of(utterances, models)
    evaluation.check_trials(trials, speakers)
    embedder = Embedder(Bundle.load(model).model, device, threads)
    with progress_bar("utterances") as advance:
        scores = evaluation.score_trials(embedder, trials, utterances, models, advance)
    if write_scores:
        manifests.write_scores(write_scores, trials, scores)
    result = evaluation.report(trials, scores, speakers)
    if result.target_speakers < MIN_SPEAKERS:
        click.echo(_caution(result, MIN_SPEAKERS), err=True)
    click.echo(json.dumps(result.to_json()) if as_json else _table(result))


def _caution(result: "Report", enough: int) -> str:
    trials, speakers = result.targets, result.target_speakers
    return (
        f"The interval says little: it rests on {trials:,} target trial{'s' * (trials > 1)} of {speakers} "
        f"speaker{'s' * (speakers > 1)}; use a list with target trials of at least {enough} speakers."
    )


def _table(result: "Report") -> str:
    low, high = result.eer_interval
    rows = [
        ("trials", f"{result.trials:,} ({result.targets:,} target), {result.speakers:,} speakers"),
        ("EER", f"{100 * result.eer:.2f} %  [{100 * low:.2f}, {100 * high:.2f}] 95 % interval over speakers"),
        ("EER, convex hull", f"{100 * result.eer_convex_hull:.2f} %"),
        *((f"minDCF({p:g})", f"{cost:.4f}") for p, cost in result.min_dcf.items()),
    ]
    return "\n".join(f"{name:<18}{value}" for name, value in rows)
