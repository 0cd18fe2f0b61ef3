"""``speakertrip enroll``."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from speakertrip.cli.completion import complete_files, complete_names
from speakertrip.cli.enroll_batch import enroll_groups, read_groups
from speakertrip.cli.gathering import gathered
from speakertrip.cli.lines import one_line
from speakertrip.cli.options import device_options, json_option, model_options, print_json, store_options
from speakertrip.cli.sources import audio_source, expand_folders, require_files
from speakertrip.cli.verifiers import VerifierOptions, speech_options
from speakertrip.errors import UsageError, counted

if TYPE_CHECKING:
    from speakertrip.audio import AudioSource
    from speakertrip.enrollment import EnrollMode


@dataclass(frozen=True, slots=True)
class Whom:
    """Who is to be enrolled: one speaker by name and files, or all of a manifest."""

    name: str | None
    files: tuple[str, ...]
    manifest: str | None
    enrollments: str | None

    def require_one_way(self) -> None:
        """Refuse what says it twice, or not at all."""
        if self.manifest and self.name is not None:
            raise UsageError(
                "--manifest names the speakers and their audio; give no NAME and no FILES beside it."
            )
        if self.enrollments and not self.manifest:
            raise UsageError("--enrollments names utterances of a manifest; give --manifest too.")
        if not self.manifest and not self.files:
            missing = "NAME" if self.name is None else "FILES..."
            raise UsageError(f"Missing argument '{missing}': give a NAME and FILES, or --manifest MANIFEST.")

    def require_usable(self, sources: Sequence[str]) -> None:
        """Check the name and that the files are there, before a model is loaded."""
        from speakertrip.enrollment import check_name

        if self.name is not None:
            check_name(self.name)
        require_files(sources)


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
@click.option("--accept-poor", is_flag=True, help="Take recordings that are very noisy or much clipped, too.")
@model_options
@store_options
@speech_options(1.0)
@json_option
@device_options
@gathered(Whom, "whom")
@gathered(VerifierOptions, "options")
@click.pass_context
def enroll(
    ctx: click.Context,
    whom: Whom,
    add: bool,
    replace: bool,
    accept_poor: bool,
    options: VerifierOptions,
    as_json: bool,
) -> None:
    """Enroll the speaker NAME from one or more audio FILES of that speaker alone.

    A folder stands for the audio files in it, - for standard input.

    Nothing is stored unless every file can be used, and all together hold enough speech. A file counts once: one
    that is given twice, or added again, is skipped with a note.

    With --manifest each speaker is enrolled, or not, for themself: one whose audio cannot be used is told on stderr,
    and the exit code is 3. One who is enrolled from exactly these utterances is left as they are, so that a run that
    was killed goes on where it was when it is called again.
    """
    whom.require_one_way()
    if add and replace:
        raise UsageError("--add and --replace exclude each other.")
    sources = expand_folders(whom.files)
    whom.require_usable(sources)
    groups = read_groups(whom.manifest, whom.enrollments) if whom.manifest else {}
    mode: EnrollMode = "add" if add else "replace" if replace else "new"
    verifier = options.to_enroll(accept_poor)
    if whom.manifest:
        ctx.exit(enroll_groups(verifier, groups, mode, as_json))
    skipped: list[AudioSource] = []
    profile = verifier.enroll(str(whom.name), [audio_source(file) for file in sources], mode, skipped.append)
    for file in skipped:
        click.echo(f"{one_line(file)} is skipped: it is enrolled for {profile.name} already.", err=True)
    if len(skipped) == len(sources):
        click.echo(f"Nothing new was added to {profile.name}.", err=True)
    utterances, seconds = len(profile.enrollments), sum(e.seconds for e in profile.enrollments)
    if as_json:
        print_json({"name": profile.name, "utterances": utterances, "seconds": round(seconds, 3)})
    else:
        click.echo(f"{profile.name}: {counted(utterances, 'utterance')}, {seconds:.1f} s")
