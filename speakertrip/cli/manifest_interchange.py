"""``speakertrip manifest import`` and ``speakertrip manifest export``."""

from pathlib import Path

import click

from speakertrip.cli.options import in_words, progress_bar
from speakertrip.errors import UsageError

# Their names alone, for a look at the help loads no format.
NAMES = ("3d-speaker", "kaldi", "lhotse-cuts", "lhotse-supervisions", "nemo", "speechbrain", "wespeaker")

format_argument = click.argument("name", metavar="FORMAT", type=click.Choice(NAMES))


@click.command("import", epilog=f"Formats: {', '.join(NAMES)}.")
@format_argument
@click.argument("source")
@click.option("--out", required=True, metavar="MANIFEST", help="Manifest to write.")
@click.option(
    "--data-root",
    metavar="FOLDER",
    help="Where relative paths begin, and $data_root of SpeechBrain  [default: the folder of SOURCE]",
)
def import_manifest(name: str, source: str, out: str, data_root: str | None) -> None:
    """Make a manifest of SOURCE, a file or folder of another tool."""
    _require_two(source, out)
    from speakertrip.corpora.interchange import import_utterances
    from speakertrip.manifests import write_manifest

    utterances = import_utterances(name, source, data_root)
    write_manifest(out, utterances)
    click.echo(f"{out}: {in_words(utterances)}")


@click.command("export", epilog=f"Formats: {', '.join(NAMES)}.")
@format_argument
@click.argument("manifest_path", metavar="MANIFEST")
@click.option("--out", required=True, metavar="TARGET", help="File or folder to write.")
def export_manifest(name: str, manifest_path: str, out: str) -> None:
    """Write MANIFEST as a file or folder of another tool; says what the format has no place for."""
    _require_two(manifest_path, out)
    from speakertrip.corpora.interchange import export_utterances
    from speakertrip.manifests import read_manifest

    utterances = read_manifest(manifest_path)
    with progress_bar("headers") as advance:
        sentences = export_utterances(name, utterances, out, lambda done, total: advance(1, total))
    for sentence in sentences:
        click.echo(sentence, err=True)
    click.echo(f"{out}: {in_words(utterances)}")


def _require_two(source: str, target: str) -> None:
    if Path(source).resolve() == Path(target).resolve():
        raise UsageError(f"The source and --out are both {source}; write to another place.")
