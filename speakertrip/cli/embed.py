"""``speakertrip embed``."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from speakertrip.cli.completion import complete_files
from speakertrip.cli.decisions import answer_each, refuse_all
from speakertrip.cli.gathering import gathered
from speakertrip.cli.lines import one_line
from speakertrip.cli.options import device_options, json_option, model_options, print_json, progress_bar
from speakertrip.cli.sources import audio_source, expand_folders
from speakertrip.cli.verifiers import VerifierOptions, speech_options
from speakertrip.errors import UsageError, counted

if TYPE_CHECKING:
    from speakertrip.verifier import SpeakerVerifier

OF_MANIFEST, OF_FILES = ("out", "skip_bad", "kaldi"), ("vad", "min_speech")


@click.command()
@click.argument("files", nargs=-1, metavar="[FILE...]", shell_complete=complete_files)
@click.option("--manifest", metavar="MANIFEST", help="Embed its utterances, instead of FILES.")
@click.option(
    "--out",
    metavar="FOLDER",
    help="Where those of a manifest go: embeddings.npy, and ids.txt with its rows' ids.",
)
@click.option("--skip-bad", is_flag=True, help="Leave out utterances that cannot be used; each is listed.")
@click.option("--kaldi", is_flag=True, help="Write xvector.ark and xvector.scp too, for Kaldi's tools.")
@model_options
@speech_options(0.5)
@json_option
@device_options
@gathered(VerifierOptions, "options")
@click.pass_context
def embed(
    ctx: click.Context,
    files: tuple[str, ...],
    manifest: str | None,
    out: str | None,
    skip_bad: bool,
    kaldi: bool,
    options: VerifierOptions,
    as_json: bool,
) -> None:
    """Print the embedding of each FILE, scaled to unit length; or write those of a manifest.

    A line holds the file, a tab, and the numbers. A folder stands for the audio files in it; one FILE may be -,
    standard input. Exits with 3 if one cannot be used.

    With --manifest, a run that was killed goes on where it was when it is called again; embeddings.npy is float32, a
    row of unit length for each line of ids.txt. Under torchrun, on one machine, its processes share the manifest.
    """
    with _said_once():
        _refuse_options(ctx, OF_FILES if manifest else OF_MANIFEST, bool(manifest))
        if manifest and (files or not out):
            raise UsageError("--manifest needs --out FOLDER, and no FILE beside it.")
    if manifest and out:
        _embed_manifest(manifest, out, skip_bad, kaldi, options, as_json)
        return
    if not files:
        raise UsageError("Nothing to embed: give FILES, or --manifest MANIFEST --out FOLDER.")
    sources = expand_folders(files)
    if (refused := refuse_all(sources, as_json, key="file")) is not None:
        ctx.exit(refused)
    verifier = options.to_compare()
    ctx.exit(answer_each(sources, as_json, lambda file: _embed_file(verifier, file, as_json), key="file"))


def _embed_file(verifier: "SpeakerVerifier", file: str, as_json: bool) -> int:
    from speakertrip.backend import unit_rows

    (recording,) = verifier.load([audio_source(file)])
    numbers = unit_rows(verifier.embed(recording)[None])[0].tolist()
    if as_json:
        speech = {"speech_seconds": round(recording.quality.speech_seconds, 3)}
        print_json({"file": file, **speech, "model": verifier.bundle.identity, "embedding": numbers})
    else:
        click.echo(f"{one_line(file)}\t{' '.join(f'{number:.9g}' for number in numbers)}")
    return 0


def _embed_manifest(
    manifest: str, out: str, skip_bad: bool, kaldi: bool, options: VerifierOptions, as_json: bool
) -> None:
    from speakertrip.embedding import embed_folder, launched_share
    from speakertrip.manifests import read_manifest

    share = launched_share()
    with share.first_to_speak():
        utterances = read_manifest(manifest)
        bundle = options.model.load()
        share.take_gpu(options.device.device)
        embedder = options.device.embedder(bundle)
    with progress_bar("utterances", share.leads) as advance:
        tell = partial(advance, total=len(utterances))
        found = embed_folder(embedder, bundle.identity, utterances, out, tell, skip_bad, kaldi, share)
    if not share.leads:
        return
    for reason in found.skipped.values():
        click.echo(one_line(reason), err=True)
    if found.skipped:
        click.echo(f"{len(found.skipped):,} of {counted(len(utterances), 'utterance')} left out.", err=True)
    if as_json:
        facts = {"utterances": found.rows, "skipped": len(found.skipped), "dim": found.dim}
        print_json({"folder": out, **facts, "model": bundle.identity})
    else:
        click.echo(f"{one_line(out)}: {counted(found.rows, 'embedding')} of {found.dim} numbers")


@contextmanager
def _said_once() -> Iterator[None]:
    """Have the first process of torchrun say that the call is wrong, not each of them."""
    try:
        yield
    except UsageError:
        if not os.environ.get("WORLD_SIZE"):  # looking further would load torch
            raise
        from speakertrip.embedding import launched_share

        with launched_share().first_to_speak():
            raise


def _refuse_options(ctx: click.Context, names: Sequence[str], manifest: bool) -> None:
    """Refuse options that would do nothing."""
    for name in names:
        if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            option = f"--{name.replace('_', '-')}"
            raise UsageError(f"{option} {'is for FILES' if manifest else 'goes with --manifest'}.")
