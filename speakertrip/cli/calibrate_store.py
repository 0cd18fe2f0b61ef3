"""``speakertrip speakers calibrate``."""

import click

from speakertrip.cli.models import ModelOptions
from speakertrip.cli.options import json_option, model_options, print_json, store_options
from speakertrip.cli.stores import StoreOptions
from speakertrip.errors import UsageError, counted


@click.command("calibrate")
@model_options
@store_options
@click.option(
    "--per-profile", is_flag=True, help="Also take out by how much strangers score higher against a profile."
)
@click.option("--clear", is_flag=True, help="Forget the calibration: the model's own holds again.")
@json_option
def calibrate_store(
    model: ModelOptions,
    store: StoreOptions,
    per_profile: bool,
    clear: bool,
    as_json: bool,
) -> None:
    """Fit what scores mean, and the threshold, to the voices and recordings of the store.

    It holds for verify NAME and identify, for all who use the store with this model, until it is made anew; enroll
    more speakers, and make it anew. It needs ten speakers of two utterances or more. Utterances of one occasion sound
    more alike than those of two: of speakers who were enrolled on one day it will promise too few misses.
    """
    if clear and per_profile:
        raise UsageError("--clear and --per-profile exclude each other.")
    from speakertrip import verifier

    opened, bundle = store.open(), model.load()
    if clear:
        opened.require()
        found = opened.calibrations.clear(bundle.identity)
        if as_json:
            print_json({"store": str(opened.path), "cleared": found})
        else:
            click.echo(
                f"{opened.path}: {'its calibration is forgotten' if found else 'it had no calibration'}"
            )
        return
    calibration = verifier.calibrate_store(opened, bundle, per_profile).calibration
    if as_json:
        print_json(
            {
                "store": str(opened.path),
                "per_profile": per_profile,
                "calibration": calibration.model_dump(mode="json"),
            }
        )
        return
    low, high = calibration.eer_interval or (calibration.eer, calibration.eer)
    click.echo(
        f"{opened.path}: calibrated on {counted(calibration.trials, 'trial')} ({calibration.targets:,} target) of "
        f"{counted(calibration.speakers, 'speaker')}; threshold {calibration.threshold:.4f}, EER there "
        f"{100 * calibration.eer:.2f} % [{100 * low:.2f}, {100 * high:.2f}]"
    )
