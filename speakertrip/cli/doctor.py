"""``speakertrip doctor``."""

import click

from speakertrip.cli.models import DeviceOptions, ModelOptions
from speakertrip.cli.options import device_options, json_option, model_options, print_json, store_options
from speakertrip.cli.stores import StoreOptions


@click.command()
@model_options
@store_options
@json_option
@device_options
@click.pass_context
def doctor(
    ctx: click.Context,
    model: ModelOptions,
    store: StoreOptions,
    as_json: bool,
    device: DeviceOptions,
) -> None:
    """Check the installation, the model and the store, one line each: ok, warning or failed, and what to do.

    Exits with 0 where nothing failed, else with the code of what did: 4 the store, 5 the model, 7 the disk, 70 a
    library or a codec; the highest of them.
    """
    from speakertrip.doctor import examine

    code = 0
    for check in examine(model.model, store.store, device.device, device.threads, store.key, model.revision):
        code = max(code, check.exit_code)
        if as_json:
            facts = {"check": check.name, "status": check.status, "found": check.found}
            print_json({**facts, "advice": check.advice or None})
        else:
            advice = f"; {check.advice}" if check.advice else ""
            click.echo(f"{check.status:<7}  {check.name:<17} {check.found.removesuffix('.')}{advice}")
    ctx.exit(code)
