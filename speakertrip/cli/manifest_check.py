"""``speakertrip manifest check``."""

from typing import TYPE_CHECKING, Any

import click

from speakertrip.cli.options import json_option, print_json, progress_bar
from speakertrip.errors import DataError, counted

if TYPE_CHECKING:
    from speakertrip.corpora.check import Check

EXAMPLES = 3  # of a kind, in the table


@click.command()
@click.argument("manifest_path", metavar="MANIFEST")
@click.option("--quick", is_flag=True, help="Read headers only, no samples.")
@json_option
def check(manifest_path: str, quick: bool, as_json: bool) -> None:
    """Find bad and repeated audio in MANIFEST.

    All files are looked at: what cannot be used, what contradicts the manifest, what comes twice.

    Errors end with code 6. Notes do not: clipping, little speech, a wrong file extension, a file of which only the
    beginning is named, speakers with one utterance or one session.
    """
    from speakertrip.corpora.check import check_manifest

    with progress_bar("utterances") as advance:
        found = check_manifest(manifest_path, quick=quick, progress=advance)
    if as_json:
        print_json(_as_json(found))
    else:
        click.echo(_table(manifest_path, found))
    if found.errors:
        raise DataError(
            f"{manifest_path}: {counted(found.errors, 'error')}; mend or leave out these utterances."
        )


def _as_json(found: "Check") -> dict[str, Any]:
    return {
        "utterances": found.utterances,
        "speakers": found.speakers,
        "errors": found.errors,
        "notes": found.notes,
        "counts": {kind.value: count for kind, count in found.counts.items()},
        "findings": [finding.to_json() for finding in found.findings],
    }


def _table(manifest: str, found: "Check") -> str:
    lines = []
    for kind, count in found.counts.items():
        lines.append(f"{'error' if kind.is_error else 'note '}  {kind.value:<14}{count:>9,}")
        own = [finding for finding in found.findings if finding.kind is kind]
        lines += [f"    line {each.row.line}: {each.message}" for each in own[:EXAMPLES]]
        lines += ["    ..."] if count > EXAMPLES else []
    lines.append(
        f"{manifest}: {counted(found.utterances, 'utterance')} of {counted(found.speakers, 'speaker')}, "
        f"{counted(found.errors, 'error')}, {counted(found.notes, 'note')}"
    )
    return "\n".join(lines)
