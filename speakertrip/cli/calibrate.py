"""``speakertrip calibrate``."""

from typing import TYPE_CHECKING

import click

from speakertrip.cli.lists import ListOptions, list_options
from speakertrip.cli.numbers import Prior
from speakertrip.cli.scoring import refuse_overwriting
from speakertrip.errors import counted

if TYPE_CHECKING:
    from speakertrip.evaluation.calibrating import Method


@click.command()
@click.argument("scores", nargs=-1, required=True, metavar="SCORES...")
@list_options
@click.option("--method", type=click.Choice(["linear", "isotonic"]), default="linear", show_default=True)
@click.option(
    "--p-target", type=Prior(), default=0.05, show_default=True,
    help="Prior at which a linear calibration shall be best.",
)  # fmt: skip
@click.option(
    "--out", required=True, metavar="CALIBRATION", help="File to write, for evaluate --calibration."
)
def calibrate(
    scores: tuple[str, ...],
    listed: ListOptions,
    method: "Method",
    p_target: float,
    out: str,
) -> None:
    """Fit what turns scores into natural-log likelihood ratios; of several score files, fuse the systems.

    The trials must be others than those that are reported later.
    """
    refuse_overwriting("--out", out, *listed.files, *scores)
    from speakertrip import evaluation, manifests

    lists = listed.read()
    columns = [manifests.read_scores(file, lists.trials) for file in scores]
    fitted = evaluation.calibrate_scores(
        lists.trials, columns, lists.speakers, method, p_target, name=listed.trials
    )
    fitted.write(out)
    systems, on = counted(len(scores), "system"), counted(len(lists.trials), "trial")
    click.echo(f"{out}: {method} calibration of {systems} on {on}")
