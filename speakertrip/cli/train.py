"""``speakertrip train``."""

from typing import TYPE_CHECKING

import click

from speakertrip.cli.options import device_options, progress_bar

if TYPE_CHECKING:
    from speakertrip.training import StepRecord

INTERRUPTED = 130


@click.command()
@click.argument("config", metavar="CONFIG.toml")
@click.option("--data", required=True, metavar="FOLDER", help="Folder that holds the training manifest.")
@click.option("--out", required=True, metavar="RUN", help="Folder of the run; its best model is RUN/bundle.")
@click.option(
    "--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override, as optimizer.lr=3e-4."
)
@click.option("--init", metavar="BUNDLE", help="Begin with the weights of this model's encoder.")
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
    device: str,
    threads: int | None,
) -> None:
    """Train an encoder; validation uses speakers held out of the training manifest.

    Ctrl-C validates, saves and stops; --resume goes on.
    """
    import torch

    from speakertrip.config import read_config
    from speakertrip.training import process_group
    from speakertrip.training import train as run_training
    from speakertrip.training.processes import leads

    with process_group(device), progress_bar("utterances decoded") as advance:
        settings = read_config(config, overrides)
        torch.set_num_threads(threads or torch.get_num_threads())
        finished = run_training(
            settings,
            data,
            out,
            resume,
            device,
            init,
            on_decode=advance,
            on_record=lambda record: click.echo(_line(record, settings.optimizer.steps), err=True),
        )
        talks = leads()
    if not finished and talks:
        click.echo(
            f"Stopped early; go on with: speakertrip train {config} ... --out {out} --resume", err=True
        )
    if not finished:
        ctx.exit(INTERRUPTED)
    if talks:
        click.echo(f"{out}/bundle")


def _line(record: "StepRecord", steps: int) -> str:
    parts = [f"step {record.step}/{steps}", f"loss {record.loss:.4f}"]
    if record.health is not None:
        parts.append(f"active {record.health.active:.0%}")
    if record.batch_eer is not None:
        parts.append(f"batch EER {record.batch_eer:.1%}")
    if record.utterances_per_second is not None:
        parts.append(f"{record.utterances_per_second:.0f} utterances/s")
    if record.validation_eer is not None:
        parts.append(f"validation EER {record.validation_eer:.2%}{' (best)' if record.best else ''}")
    if record.notice:
        parts.append(record.notice)
    return "  ".join(parts)
