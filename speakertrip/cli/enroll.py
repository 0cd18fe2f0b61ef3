"""``speakertrip enroll``."""

from typing import TYPE_CHECKING, Literal

import click

from speakertrip.cli.options import (
    audio_source,
    device_options,
    json_option,
    model_option,
    print_json,
    require_one_stdin,
    speech_options,
    store_option,
)
from speakertrip.errors import UsageError, counted

if TYPE_CHECKING:
    from speakertrip.audio import AudioSource
    from speakertrip.audio.detectors import DetectorName


@click.command()
@click.argument("name")
@click.argument("files", nargs=-1, required=True)
@click.option("--add", is_flag=True, help="Add to a speaker who is enrolled already.")
@click.option("--replace", is_flag=True, help="Forget the speaker's earlier utterances first.")
@model_option
@store_option
@speech_options(1.0)
@json_option
@device_options
def enroll(
    name: str,
    files: tuple[str, ...],
    add: bool,
    replace: bool,
    model: str,
    revision: str | None,
    store: str | None,
    vad: "DetectorName",
    min_speech: float,
    as_json: bool,
    device: str,
    threads: int | None,
) -> None:
    """Enroll the speaker NAME from one or more audio FILES of that speaker alone; - is standard input.

    Nothing is stored unless every file can be used, and all together hold enough speech. A file counts once: one
    that is given twice, or added again, is skipped with a note.
    """
    require_one_stdin(files)
    if add and replace:
        raise UsageError("--add and --replace exclude each other.")
    from speakertrip.audio import SpeechNeeds
    from speakertrip.verifier import SpeakerVerifier

    needs = SpeechNeeds(vad, enrollment_seconds=min_speech)
    mode: Literal["new", "add", "replace"] = "add" if add else "replace" if replace else "new"
    verifier = SpeakerVerifier.from_pretrained(model, store, device, threads, needs, revision)
    skipped: list[AudioSource] = []
    profile = verifier.enroll(name, [audio_source(file) for file in files], mode, skipped.append)
    for file in skipped:
        click.echo(f"{file} is skipped: it is enrolled for {profile.name} already.", err=True)
    if len(skipped) == len(files):
        click.echo(f"Nothing new was added to {profile.name}.", err=True)
    utterances, seconds = len(profile.enrollments), sum(e.seconds for e in profile.enrollments)
    if as_json:
        print_json({"name": profile.name, "utterances": utterances, "seconds": round(seconds, 3)})
    else:
        click.echo(f"{profile.name}: {counted(utterances, 'utterance')}, {seconds:.1f} s")
