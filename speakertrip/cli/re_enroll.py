"""``speakertrip speakers re-enroll``."""

import click

from speakertrip.cli.completion import complete_names
from speakertrip.cli.decisions import answer_each
from speakertrip.cli.gathering import gathered
from speakertrip.cli.options import device_options, json_option, model_options, print_json, store_options
from speakertrip.cli.verifiers import VerifierOptions
from speakertrip.errors import counted


@click.command("re-enroll")
@click.argument("names", nargs=-1, metavar="[NAME...]", shell_complete=complete_names)
@model_options
@store_options
@json_option
@device_options
@gathered(VerifierOptions, "options")
@click.pass_context
def re_enroll(
    ctx: click.Context,
    names: tuple[str, ...],
    options: VerifierOptions,
    as_json: bool,
) -> None:
    """Embed the files of the named speakers, or of all of another model, by the model of --model.

    Each speaker is renewed whole or not at all. One whose files are missing, or are not what was enrolled, stays as
    it was; then the exit code is 3. The old embeddings are erased; identifier, times and quality stay.
    """
    from speakertrip.verifier import outdated, renew

    verifier = options.to_enroll()

    def answer(name: str) -> int:
        profile = renew(verifier, name)
        if as_json:
            count = {} if profile is None else {"utterances": len(profile.enrollments)}
            print_json({"name": name, "renewed": profile is not None, **count})
        elif profile is None:
            click.echo(f"{name}: of this model already")
        else:
            click.echo(f"{name}: {counted(len(profile.enrollments), 'utterance')} embedded again")
        return 0

    chosen = names or outdated(verifier)
    if not chosen:
        click.echo("Nobody is enrolled with another model.", err=True)
    with verifier.store.database.erasing_once():
        ctx.exit(answer_each(chosen, as_json, answer, key="name"))
