"""``speakertrip manifest shard``."""

import click

from speakertrip.cli.options import progress_bar
from speakertrip.errors import counted


@click.command()
@click.argument("manifest")
@click.option("--out", required=True, metavar="FOLDER", help="New folder, for the shards and their manifest.")
@click.option(
    "--megabytes", type=click.IntRange(1), default=1000, show_default=True, help="Size of a shard, at most."
)
def shard(manifest: str, out: str, megabytes: int) -> None:
    """Pack the audio of MANIFEST into tar shards (WebDataset layout): few large files in place of many small ones.

    The new manifest, FOLDER/manifest.jsonl, is used as any other.
    """
    from pathlib import Path

    from speakertrip.corpora.shards import MANIFEST, write_shards
    from speakertrip.manifests import read_manifest

    with progress_bar("files") as advance:
        rows = write_shards(
            read_manifest(manifest), out, megabytes * 10**6, lambda done, total: advance(1, total)
        )
    shards = counted(len({row.path for row in rows}), "shard")
    click.echo(f"{Path(out) / MANIFEST}: {counted(len(rows), 'utterance')} in {shards}")
