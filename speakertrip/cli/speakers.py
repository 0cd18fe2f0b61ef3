"""``speakertrip speakers``: who is enrolled."""

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from speakertrip.cli.calibrate_store import calibrate_store
from speakertrip.cli.completion import complete_files, complete_names
from speakertrip.cli.decisions import seconds_in_words
from speakertrip.cli.lines import one_line
from speakertrip.cli.options import json_option, print_json, store_options
from speakertrip.cli.re_enroll import re_enroll
from speakertrip.cli.speakers_audit import audit
from speakertrip.cli.speakers_encryption import decrypt, encrypt, key
from speakertrip.cli.stores import StoreOptions
from speakertrip.errors import UsageError, counted

if TYPE_CHECKING:
    from speakertrip.enrollment import Enrollment, Profile

SHORT = 12  # digits of a hash that is shown


@click.group()
def speakers() -> None:
    """List, show, rename, re-enroll, calibrate, remove, export and import speakers; encrypt and audit their store."""


for verb in (re_enroll, calibrate_store, key, encrypt, decrypt, audit):
    speakers.add_command(verb)


@speakers.command("list")
@store_options
@json_option
def list_speakers(store: StoreOptions, as_json: bool) -> None:
    """List the enrolled speakers: utterances, seconds of audio, model, and since when (UTC)."""
    summaries = store.open_there().summaries()
    if as_json:
        for summary in summaries:
            print_json(asdict(summary))
        return
    if not summaries:
        click.echo("Nobody is enrolled.", err=True)
    width = max((len(summary.name) for summary in summaries), default=0)
    for each in summaries:
        utterances = f"{each.utterances:>4} utterance{' ' if each.utterances == 1 else 's'}"
        facts = f"{utterances}  {each.seconds:>7.1f} s  model {each.model[:SHORT]}  {each.created}"
        click.echo(f"{each.name:<{width}}  {facts}")


@speakers.command()
@click.argument("name", shell_complete=complete_names)
@store_options
@json_option
def show(name: str, store: StoreOptions, as_json: bool) -> None:
    """Show what is kept of the speaker NAME: every enrolled file, with its quality."""
    profile = store.open().get(name)
    if as_json:
        print_json(_facts(profile))
        return
    click.echo(
        f"{profile.name}: {counted(len(profile.enrollments), 'utterance')}, since {profile.created} UTC"
    )
    click.echo(f"model       {profile.model}")
    click.echo(f"identifier  {profile.identifier}")
    for each in profile.enrollments:
        click.echo(f"{each.created}  {one_line(each.path)}  {_quality(each)}  sha256 {each.sha256[:SHORT]}")


@speakers.command()
@click.argument("name", shell_complete=complete_names)
@click.argument("new")
@store_options
def rename(name: str, new: str, store: StoreOptions) -> None:
    """Give the speaker NAME the name NEW."""
    store.open().rename(name, new)
    click.echo(f"{name} is now {new}")


@speakers.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...", shell_complete=complete_names)
@store_options
@json_option
def remove(names: tuple[str, ...], store: StoreOptions, as_json: bool) -> None:
    """Remove speakers, and erase every byte that the store's files hold of them; none if one is not enrolled.

    While another process reads the store as it was before, the bytes stay: the answer is then "removed, erasure
    pending", and the next opening of the store erases them.
    """
    opened = store.open()
    for name in opened.enrolled(names):
        erased = opened.remove(name)
        if as_json:
            print_json({"name": name, "removed": True, "erased": erased})
        else:
            click.echo(f"{name}: removed{'' if erased else ', erasure pending'}")


@speakers.command("export")
@click.argument("file", shell_complete=complete_files)
@click.argument("names", nargs=-1, metavar="[NAME...]", shell_complete=complete_names)
@store_options
def export_speakers(file: str, names: tuple[str, ...], store: StoreOptions) -> None:
    """Write all that is kept of the named speakers, or of all, to FILE (JSON Lines), readable by you alone.

    A FILE that is there is not overwritten.
    """
    if file == "-":
        raise UsageError(
            "Speakers are not exported to the standard output; name a FILE, which only you can read."
        )
    from speakertrip.enrollment import write_profiles

    count = write_profiles(file, store.open().export(names))
    click.echo(f"{file}: {counted(count, 'speaker')}")


@speakers.command("import")
@click.argument("file", shell_complete=complete_files)
@click.option("--replace", is_flag=True, help="Let a speaker take the place of one of the same name.")
@store_options
def import_speakers(file: str, replace: bool, store: StoreOptions) -> None:
    """Enroll the speakers of FILE, which export wrote: all of them or none."""
    from speakertrip.enrollment import read_profiles

    opened = store.open()
    count = opened.restore(read_profiles(file), replace)
    click.echo(f"{opened.path}: {counted(count, 'speaker')} imported")


def _facts(profile: "Profile") -> dict[str, object]:
    facts = asdict(profile)
    for entry in facts["enrollments"]:
        del entry["embedding"]
    return facts


def _quality(enrollment: "Enrollment") -> str:
    parts = [f"{enrollment.seconds:.1f} s"]
    if enrollment.speech_seconds is not None:
        parts.append(f"speech {seconds_in_words(enrollment.speech_seconds)}")
    if enrollment.snr_db is not None:
        parts.append(f"SNR {enrollment.snr_db:.0f} dB")
    if enrollment.clipped:
        parts.append(f"clipped {enrollment.clipped:.1%}")
    return "  ".join(parts)
