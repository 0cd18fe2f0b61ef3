"""``speakertrip verify``."""

import json

import click

from speakertrip.cli.options import device_options, json_option, model_option, store_option
from speakertrip.errors import AudioError, UsageError

REJECTED = 1


@click.command()
@click.argument("arguments", nargs=-1, required=True, metavar="[NAME] PROBE...")
@click.option(
    "--against",
    multiple=True,
    metavar="REFERENCE",
    help="Audio of the claimed speaker, instead of a NAME; repeatable.",
)
@model_option
@store_option
@json_option
@device_options
@click.pass_context
def verify(
    ctx: click.Context,
    arguments: tuple[str, ...],
    against: tuple[str, ...],
    model: str,
    store: str | None,
    as_json: bool,
    device: str,
    threads: int | None,
) -> None:
    """Decide for each PROBE whether it is the enrolled speaker NAME, or the speaker of --against.

    Exits with 0 if all are accepted, 1 if one is rejected, 3 if one cannot be used: the highest of them.
    """
    probes = arguments if against else arguments[1:]
    if not probes:
        raise UsageError("Nothing to verify: give a NAME and a PROBE, or --against REFERENCE PROBE.")
    from speakertrip.verifier import SpeakerVerifier

    verifier = SpeakerVerifier.from_pretrained(model, store, device, threads)
    speaker = verifier.embed_speaker(against) if against else verifier.enrolled(arguments[0])
    code = 0
    for probe in probes:
        try:
            decision = verifier.compare(speaker, probe)
        except AudioError as error:
            click.echo(str(error), err=True)
            code = max(code, error.exit_code)
            continue
        code = max(code, 0 if decision.accepted else REJECTED)
        answer = "accepted" if decision.accepted else "rejected"
        if as_json:
            numbers = {"score": decision.score, "threshold": decision.threshold}
            click.echo(json.dumps({"probe": probe, "decision": answer, **numbers}))
        else:
            click.echo(f"{probe}: {answer} (score {decision.score:.4f}, threshold {decision.threshold:.4f})")
    ctx.exit(code)
