"""``speakertrip train``."""

from datetime import timedelta
from typing import TYPE_CHECKING

import click

from speakertrip.cli.models import DeviceOptions
from speakertrip.cli.notices import say
from speakertrip.cli.options import device_options, progress_bar
from speakertrip.errors import INTERRUPTED

if TYPE_CHECKING:
    from speakertrip.config import TrainConfig
    from speakertrip.training import StepRecord

LONGEST = 999 * 86_400.0  # seconds of what is left; a timedelta has a limit of its own


@click.command()
@click.argument("config", metavar="CONFIG.toml")
@click.option("--data", required=True, metavar="FOLDER", help="Folder that holds the training manifest.")
@click.option("--out", required=True, metavar="RUN", help="Folder of the run; its best model is RUN/bundle.")
@click.option(
    "--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override, as optimizer.lr=3e-4."
)
@click.option("--init", metavar="MODEL", help="Begin with the encoder of this bundle, or checkpoint file.")
@click.option(
    "--resume", is_flag=True, help="Go on from the checkpoint in RUN; begin where there is none yet."
)
@device_options
@click.pass_context
def train(
    ctx: click.Context,
    config: str,
    data: str,
    out: str,
    overrides: tuple[str, ...],
    init: str | None,
    resume: bool,
    device: DeviceOptions,
) -> None:
    """Train an encoder; validation uses speakers held out of the training manifest.

    Ctrl-C saves and stops, as do SIGTERM and SIGHUP, with exit code 130; --resume goes on. A second one stops at once.
    """
    import torch

    from speakertrip.config import read_config
    from speakertrip.training import process_group
    from speakertrip.training import train as run_training
    from speakertrip.training.processes import leads

    with process_group(device.device), progress_bar("utterances decoded") as advance:
        settings = read_config(config, overrides)
        torch.set_num_threads(device.threads or torch.get_num_threads())
        finished = run_training(
            settings,
            data,
            out,
            resume,
            device.device,
            init,
            on_decode=advance,
            on_record=lambda record: say("\n".join(_lines(record, settings))),
            on_message=say,
        )
        talks = leads()
    if not finished and talks:
        say(f"Stopped early; go on with: speakertrip train {config} ... --out {out} --resume")
    if not finished:
        ctx.exit(INTERRUPTED)
    if talks:
        click.echo(f"{out}/bundle")


def _lines(record: "StepRecord", settings: "TrainConfig") -> list[str]:
    """Say how the run goes, what a validation found, and what happened: a line each."""
    step = f"step {record.step}/{settings.optimizer.steps}"
    parts = [step, f"loss {record.loss:.4f}"]
    if record.health is not None:
        parts += [f"loss/margin {record.health.loss_over_margin:.2f}", f"active {record.health.active:.0%}"]
    if record.batch_eer is not None:
        parts.append(f"batch EER {record.batch_eer:.1%}")
    if record.utterances_per_second is not None:
        parts.append(f"{record.utterances_per_second:.0f} utterances/s")
    if record.waiting is not None:
        parts.append(f"waiting {record.waiting:.0%}")
    if record.memory_gib is not None:
        parts.append(f"{record.memory_gib:.1f} GiB")
    if record.utterances_per_second:
        batch = settings.batch.speakers * settings.batch.utterances
        left = (settings.optimizer.steps - record.step) * batch / record.utterances_per_second
        parts.append(f"{timedelta(seconds=round(min(left, LONGEST)))} left")
    lines = ["  ".join(parts)]
    if record.validation_eer is not None:
        ends = record.validation_eer_interval or (0.0, 1.0)
        rate = f"validation EER {record.validation_eer:.2%} [{100 * ends[0]:.2f}, {100 * ends[1]:.2f}]"
        found = [step, rate + " (best)" * record.best]
        found += [f"minDCF({p}) {cost:.3f}" for p, cost in (record.validation_min_dcf or {}).items()]
        if record.without_gain:
            patience = settings.validation.patience
            found.append(f"no gain for {record.without_gain} of {patience}")
            found.append("the run ends here" * (record.without_gain >= patience))
        lines.append("  ".join(found).rstrip())
    return [*lines, record.notice] if record.notice else lines
