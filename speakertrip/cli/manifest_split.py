"""``speakertrip manifest split``."""

import re
from fractions import Fraction
from pathlib import Path

import click

from speakertrip.cli.scoring import refuse_overwriting
from speakertrip.errors import UsageError, counted

PART = re.compile(r"\w[\w.-]*")
SHARE = re.compile(r"\d{0,9}\.?\d{1,18}|\d{1,9}/\d{1,9}")  # 1e99999999 is a fraction too, of as many digits


def _read_share(text: str) -> tuple[str, Fraction]:
    """Read a part and its share of the speakers: ``train=0.8``, or ``train=4/5``."""
    part, _, share = text.partition("=")
    try:
        if not SHARE.fullmatch(share):
            raise ValueError
        number = Fraction(share)
    except (ValueError, ZeroDivisionError):
        raise UsageError(f"--share {text} is not of the form NAME=SHARE, such as train=0.8.") from None
    if not PART.fullmatch(part):
        raise UsageError(f"--share {text}: name the part by letters, digits, '.', '_' and '-'.")
    return part, number


@click.command()
@click.argument("manifest_path", metavar="MANIFEST")
@click.option("--out", required=True, metavar="FOLDER", help="Folder for manifest.NAME.jsonl of each part.")
@click.option(
    "--share", "shares", type=_read_share, multiple=True, required=True, metavar="NAME=SHARE",
    help="A part and its share of the speakers; repeatable, together 1.",
)  # fmt: skip
@click.option("--by", default="", metavar="KEYS", help="Spread these alike, such as sex,language,corpus.")
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Another seed splits otherwise."
)
def split(manifest_path: str, out: str, shares: tuple[tuple[str, Fraction], ...], by: str, seed: int) -> None:
    """Split MANIFEST into parts without a common speaker.

    For example: --share train=0.8 --share dev=0.1 --share test=0.1 --by sex,language
    """
    files = {name: Path(out) / f"manifest.{name}.jsonl" for name, _ in shares}
    if len({name.casefold() for name in files}) < len(shares):
        raise UsageError(
            "Two --share name the same part, by case or in full; give each part a name of its own."
        )
    for file in files.values():
        refuse_overwriting("--out", str(file), manifest_path)
    from speakertrip.corpora import split_by_shares
    from speakertrip.manifests import read_manifest, write_manifest

    keys = [key.strip() for key in by.split(",") if key.strip()]
    utterances = read_manifest(manifest_path)
    for name, part in split_by_shares(utterances, dict(shares), seed, keys).items():
        write_manifest(files[name], part)
        speakers = len({utterance.speaker for utterance in part})
        click.echo(
            f"{files[name]}: {counted(speakers, 'speaker')}, {counted(len(part), 'utterance')} "
            f"({len(part) / len(utterances):.1%} of all)"
        )
