"""``speakertrip score``."""

import click

from speakertrip.cli.lists import ListOptions, list_options
from speakertrip.cli.models import DeviceOptions, ModelOptions
from speakertrip.cli.options import device_options, model_options
from speakertrip.cli.scoring import refuse_overwriting, same_trials_option, score_by_model
from speakertrip.errors import counted


@click.command()
@model_options
@list_options
@click.option(
    "--out", required=True, metavar="SCORES", help="Score file to write, 'enrollment test score' a line."
)
@same_trials_option
@device_options
def score(
    model: ModelOptions,
    listed: ListOptions,
    out: str,
    same_trials: bool,
    device: DeviceOptions,
) -> None:
    """Score a trial list by a model; ``evaluate``, ``calibrate`` and ``compare`` read what is written."""
    refuse_overwriting("--out", out, *listed.files)
    from speakertrip.manifests import write_scores

    lists = listed.read_for_audio()
    write_scores(out, lists.trials, score_by_model(lists, model, device, same_trials))
    click.echo(f"{out}: {counted(len(lists.trials), 'score')}")
