"""``speakertrip manifest``: make manifests, and trial lists of them."""

import click

from speakertrip.cli.manifest_check import check
from speakertrip.cli.manifest_corpora import CORPORA, skip_bad_option, write_built
from speakertrip.cli.manifest_download import download
from speakertrip.cli.manifest_interchange import export_manifest, import_manifest
from speakertrip.cli.manifest_shards import shard
from speakertrip.cli.manifest_split import split
from speakertrip.cli.manifest_stats import stats
from speakertrip.cli.trials import trials


@click.group()
def manifest() -> None:
    """Make manifests (JSON Lines, one utterance a line) and trial lists."""


manifest.add_command(shard)
manifest.add_command(check)
manifest.add_command(split)
manifest.add_command(stats)
manifest.add_command(trials)
manifest.add_command(import_manifest)
manifest.add_command(export_manifest)
for corpus in CORPORA:
    manifest.add_command(corpus)
manifest.add_command(download)


@manifest.command()
@click.argument("folder")
@click.option("--out", metavar="FILE", help="Manifest to write  [default: FOLDER/manifest.jsonl]")
@skip_bad_option
def build(folder: str, out: str | None, skip_bad: bool) -> None:
    """List the audio of FOLDER, laid out as speaker/session/utterance.wav."""
    from pathlib import Path

    from speakertrip.corpora import build_manifest

    target = Path(out) if out else Path(folder) / "manifest.jsonl"
    write_built(target, skip_bad, lambda progress, skip: build_manifest(folder, progress, skip))


@manifest.command()
@click.argument("folder")
@click.option("--train-speakers", default=48, show_default=True, help="Speakers to train on.")
@click.option("--test-speakers", default=16, show_default=True, help="Other speakers, for the trial list.")
@click.option("--seed", default=0, show_default=True, help="Another seed makes other speakers.")
def synthetic(folder: str, train_speakers: int, test_speakers: int, seed: int) -> None:
    """Synthesise a small corpus of artificial voices into FOLDER: a test bed, not speech."""
    from speakertrip.corpora.synthetic import write_synthetic_corpus

    write_synthetic_corpus(folder, train_speakers=train_speakers, test_speakers=test_speakers, seed=seed)
    click.echo(f"{folder}: manifest.train.jsonl, manifest.test.jsonl, trials.test.txt")
