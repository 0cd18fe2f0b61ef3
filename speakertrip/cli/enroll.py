"""``speakertrip enroll``."""

import json
from typing import Literal

import click

from speakertrip.cli.options import device_options, json_option, model_option, store_option
from speakertrip.errors import UsageError


@click.command()
@click.argument("name")
@click.argument("files", nargs=-1, required=True)
@click.option("--add", is_flag=True, help="Add to a speaker who is enrolled already.")
@click.option("--replace", is_flag=True, help="Forget the speaker's earlier utterances first.")
@model_option
@store_option
@json_option
@device_options
def enroll(
    name: str,
    files: tuple[str, ...],
    add: bool,
    replace: bool,
    model: str,
    store: str | None,
    as_json: bool,
    device: str,
    threads: int | None,
) -> None:
    """Enroll the speaker NAME from one or more audio FILES of that speaker alone.

    Nothing is stored unless every file can be used.
    """
    if add and replace:
        raise UsageError("--add and --replace exclude each other.")
    from speakertrip.verifier import SpeakerVerifier

    mode: Literal["new", "add", "replace"] = "add" if add else "replace" if replace else "new"
    verifier = SpeakerVerifier.from_pretrained(model, store, device, threads)
    profile = verifier.enroll(name, files, mode)
    utterances, seconds = len(profile.enrollments), sum(e.seconds for e in profile.enrollments)
    if as_json:
        click.echo(json.dumps({"name": profile.name, "utterances": utterances, "seconds": round(seconds, 3)}))
    else:
        click.echo(f"{profile.name}: {utterances} utterance{'s' * (utterances > 1)}, {seconds:.1f} s")
