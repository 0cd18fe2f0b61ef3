"""``speakertrip compare``."""

from typing import TYPE_CHECKING

import click

from speakertrip.cli.lists import ListOptions, list_options
from speakertrip.cli.options import json_option, print_json
from speakertrip.cli.scoring import caution, refuse_no_picture

if TYPE_CHECKING:
    from speakertrip.evaluation import Comparison

NAMES = {"eer": "EER", "cllr": "Cllr", "min_cllr": "minCllr"}


@click.command()
@click.argument("scores")
@click.argument("other_scores", metavar="OTHER_SCORES")
@list_options
@click.option("--plot", metavar="PNG", help="Draw both DET curves into this picture.")
@json_option
def compare(
    scores: str,
    other_scores: str,
    listed: ListOptions,
    plot: str | None,
    as_json: bool,
) -> None:
    """Say whether two systems really differ on a trial list, by SCORES and OTHER_SCORES.

    The same draws of speakers are made for both; a difference is real if its 95 % interval leaves out 0. Below 0,
    the first is better.
    """
    if plot is not None:
        refuse_no_picture("--plot", plot, scores, other_scores, *listed.files)
    from speakertrip import evaluation, manifests

    lists = listed.read()
    one, other = (manifests.read_scores(file, lists.trials) for file in (scores, other_scores))
    found = evaluation.compare(lists.trials, one, other, lists.speakers)
    if plot:
        evaluation.plot_both(plot, lists.trials, {scores: one, other_scores: other})
    if words := caution(found.targets, found.target_speakers):
        click.echo(words, err=True)
    if as_json:
        print_json(found.to_json())
    else:
        click.echo(_table(found))


def _table(found: "Comparison") -> str:
    lines = []
    for name, paired in found.differences.items():
        scale, unit = (100, " %") if name == "eer" else (1, "")
        low, high = (scale * end for end in paired.interval)
        lines.append(
            f"{NAMES.get(name, name.replace('_dcf', 'DCF')):<14}{scale * paired.difference:+.4f}{unit}  "
            f"[{low:+.4f}, {high:+.4f}]  p = {paired.p_value:.3f}  {'real' if paired.real else 'may be chance'}"
        )
    return "\n".join(lines)
