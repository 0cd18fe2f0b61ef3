"""``speakertrip tune``."""

from typing import TYPE_CHECKING

import click

from speakertrip.cli.models import DeviceOptions
from speakertrip.cli.notices import say
from speakertrip.cli.options import device_options, json_option, print_json
from speakertrip.errors import INTERRUPTED, counted

if TYPE_CHECKING:
    from speakertrip.training.tuning import Findings, TrialRecord


@click.command()
@click.argument("config", metavar="CONFIG.toml")
@click.option("--data", required=True, metavar="FOLDER", help="Folder that holds the training manifest.")
@click.option("--out", required=True, metavar="FOLDER", help="Folder of the tune; what is there goes on.")
@click.option("--trials", type=click.IntRange(1), default=20, show_default=True, help="In all.")
@click.option("--steps", type=click.IntRange(1, 10**9), help="Of each trial  [default: the recipe's]")
@click.option(
    "--jobs", type=click.IntRange(1, 256), default=1, show_default=True, help="Trials at the same time."
)
@click.option(
    "--space",
    metavar="SPACE.toml",
    help="What is tried  [default: margin = [0.05, 1.5], hard_share = [0.01, 0.5], utterances = [2, 4, 8], and "
    "lr = [0.25, 4.0], in times the recipe's]",
)
@click.option(
    "--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override, as optimizer.lr=3e-4."
)
@json_option
@device_options
@click.pass_context
def tune(
    ctx: click.Context,
    config: str,
    data: str,
    out: str,
    trials: int,
    steps: int | None,
    jobs: int,
    space: str | None,
    overrides: tuple[str, ...],
    as_json: bool,
    device: DeviceOptions,
) -> None:
    """Search margin, hard share, speakers x utterances and learning rate of a recipe.

    Trials are judged on speakers of the training manifest that neither train them nor choose their steps:
    validation.speakers are held out twice. There is no option to judge on a dev list: what chose a model says
    nothing of how good it is.

    Leaves trials.jsonl, best.toml (the recipe with the best values, for speakertrip train) and margin.png. The same
    command goes on after Ctrl-C or a crash, also in several terminals at once.
    """
    import torch

    from speakertrip.config import TuneSpace, read_config, read_space
    from speakertrip.training.tuning import Plan
    from speakertrip.training.tuning import tune as run_tune

    recipe = read_config(config, overrides)
    ranges = read_space(space) if space else TuneSpace()
    torch.set_num_threads(device.threads or torch.get_num_threads())
    plan = Plan(recipe, data, out, trials, steps, ranges, device.device, _say)
    findings = run_tune(plan, jobs, device.threads)
    if as_json:
        for entries in findings.to_json():
            print_json(entries)
    else:
        click.echo(_table(findings))
    if not findings.done:
        click.echo("Some trials have not ended; the same command goes on.", err=True)
        ctx.exit(INTERRUPTED)


def _say(record: "TrialRecord") -> None:
    say(f"trial {record.number} {record.state}: {_eer(record)} {record.reason}".rstrip())


def _table(findings: "Findings") -> str:
    lines = ["trial  EER     95 % interval    margin  share   P x K   lr        steps  than the best"]
    for record in findings.records:
        point = record.point
        values = (
            f"{point.margin:<6g}  {point.hard_share:<6g}  {f'{point.speakers} x {point.utterances}':<6}  {point.lr:<8g}"
            if point
            else " " * 32
        )
        words = _comparison(findings, record)
        lines.append(f"{record.number:>5}  {_eer(record):<23}  {values}  {record.steps:>5}  {words}")
    return "\n".join([*lines, "", *_sentences(findings)])


def _eer(record: "TrialRecord") -> str:
    if record.verdict is None:
        return "-"
    eer, (low, high) = record.verdict.eer, record.verdict.interval
    return f"{eer:>6.2%}  [{low:>6.2%}, {high:>6.2%}]"


def _comparison(findings: "Findings", record: "TrialRecord") -> str:
    if record.state != "complete":
        return record.state
    paired = findings.behind.get(record.number)
    if paired is None:
        return "the best"
    low, high = paired.interval
    words = "worse" if paired.real else "not told apart"
    return f"{words} ({100 * paired.difference:+.2f} [{100 * low:+.2f}, {100 * high:+.2f}])"


def _sentences(findings: "Findings") -> list[str]:
    from speakertrip.metrics import MIN_SPEAKERS

    judged = (
        f"Judged on {counted(findings.trials, 'trial')} ({findings.targets:,} target) among "
        f"{counted(findings.speakers, 'speaker')} held out of training and of the choice of steps."
    )
    if findings.speakers < MIN_SPEAKERS:
        judged += (
            f" So few make the intervals too narrow: give {MIN_SPEAKERS} or more by validation.speakers."
        )
    best = findings.best
    if best is None:
        return [judged, "No trial is complete."]
    same = findings.not_told_apart
    if not findings.behind:
        sure = f"Trial {best.number} is the only one that is complete."
    elif same:
        names = ", ".join(map(str, same))
        sure = f"Trial {best.number} is the best, but is not told apart from {names}: the lead may be chance."
    else:
        sure = f"Trial {best.number} is the best; its lead over each of the others holds over other draws of speakers."
    limits = (
        "The best of many is also the luckiest: expect a somewhat higher EER on new speakers. The intervals say what "
        "other speakers would change, not what another seed would."
    )
    return [judged, sure, limits]
