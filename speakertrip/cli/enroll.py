"""``speakertrip enroll``."""

from typing import TYPE_CHECKING, Literal

import click

from speakertrip.cli.completion import complete_files, complete_names
from speakertrip.cli.enroll_batch import enroll_groups, read_groups
from speakertrip.cli.options import (
    device_options,
    json_option,
    model_option,
    print_json,
    speech_options,
    store_option,
)
from speakertrip.cli.sources import audio_source, expand_folders
from speakertrip.cli.stores import open_store
from speakertrip.errors import UsageError, counted

if TYPE_CHECKING:
    from speakertrip.audio import AudioSource
    from speakertrip.audio.detectors import DetectorName


@click.command()
@click.argument("name", required=False, shell_complete=complete_names)
@click.argument("files", nargs=-1, shell_complete=complete_files)
@click.option(
    "--manifest", metavar="MANIFEST", help="Enroll each of its speakers, instead of NAME from FILES."
)
@click.option(
    "--enrollments", metavar="MAP", help="Enroll the models of this enrollment map of the manifest."
)
@click.option("--add", is_flag=True, help="Add to a speaker who is enrolled already.")
@click.option("--replace", is_flag=True, help="Forget the speaker's earlier utterances first.")
@model_option
@store_option
@speech_options(1.0)
@json_option
@device_options
@click.pass_context
def enroll(
    ctx: click.Context,
    name: str | None,
    files: tuple[str, ...],
    manifest: str | None,
    enrollments: str | None,
    add: bool,
    replace: bool,
    model: str,
    revision: str | None,
    store: str | None,
    key_file: str | None,
    vad: "DetectorName",
    min_speech: float,
    as_json: bool,
    device: str,
    threads: int | None,
) -> None:
    """Enroll the speaker NAME from one or more audio FILES of that speaker alone.

    A folder stands for the audio files in it, - for standard input.

    Nothing is stored unless every file can be used, and all together hold enough speech. A file counts once: one
    that is given twice, or added again, is skipped with a note.

    With --manifest each speaker is enrolled, or not, for themself: one whose audio cannot be used is told on stderr,
    and the exit code is 3. One who is enrolled from exactly these utterances is left as they are, so that a run that
    was killed goes on where it was when it is called again.
    """
    _require_one_way(name, files, manifest, enrollments)
    if add and replace:
        raise UsageError("--add and --replace exclude each other.")
    sources = expand_folders(files)
    groups = read_groups(manifest, enrollments) if manifest else {}
    from speakertrip.audio import SpeechNeeds
    from speakertrip.verifier import SpeakerVerifier

    needs = SpeechNeeds(vad, enrollment_seconds=min_speech)
    mode: Literal["new", "add", "replace"] = "add" if add else "replace" if replace else "new"
    speakers = open_store(store, key_file)
    verifier = SpeakerVerifier.from_pretrained(model, speakers, device, threads, needs, revision=revision)
    if manifest:
        ctx.exit(enroll_groups(verifier, groups, mode, as_json))
    skipped: list[AudioSource] = []
    profile = verifier.enroll(str(name), [audio_source(file) for file in sources], mode, skipped.append)
    for file in skipped:
        click.echo(f"{file} is skipped: it is enrolled for {profile.name} already.", err=True)
    if len(skipped) == len(sources):
        click.echo(f"Nothing new was added to {profile.name}.", err=True)
    utterances, seconds = len(profile.enrollments), sum(e.seconds for e in profile.enrollments)
    if as_json:
        print_json({"name": profile.name, "utterances": utterances, "seconds": round(seconds, 3)})
    else:
        click.echo(f"{profile.name}: {counted(utterances, 'utterance')}, {seconds:.1f} s")


def _require_one_way(
    name: str | None, files: tuple[str, ...], manifest: str | None, enrollments: str | None
) -> None:
    if manifest and name is not None:
        raise UsageError(
            "--manifest names the speakers and their audio; give no NAME and no FILES beside it."
        )
    if enrollments and not manifest:
        raise UsageError("--enrollments names utterances of a manifest; give --manifest too.")
    if not manifest and not files:
        missing = "NAME" if name is None else "FILES..."
        raise UsageError(f"Missing argument '{missing}': give a NAME and FILES, or --manifest MANIFEST.")
