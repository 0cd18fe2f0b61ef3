"""``speakertrip manifest stats``."""

from typing import TYPE_CHECKING

import click

from speakertrip.cli.options import json_option, print_json
from speakertrip.cli.scoring import refuse_no_picture
from speakertrip.errors import NO_MATPLOTLIB, UsageError

if TYPE_CHECKING:
    from speakertrip.corpora.stats import Stats

SHOWN = 15  # values of a key, in the table


@click.command()
@click.argument("manifest_path", metavar="MANIFEST")
@click.option("--plot", metavar="PNG", help="Draw the numbers into this picture.")
@json_option
def stats(manifest_path: str, plot: str | None, as_json: bool) -> None:
    """Count what MANIFEST holds.

    Utterances, speakers and hours, in all and by sex, language, corpus and sample rate; how many utterances and
    sessions speakers have, and how long utterances are. No audio is read.
    """
    if plot is not None:
        refuse_no_picture("--plot", plot, manifest_path)
    from speakertrip.corpora.stats import compute_stats
    from speakertrip.manifests import read_manifest

    found = compute_stats(read_manifest(manifest_path))
    if plot:
        _draw(found, plot)
    if as_json:
        print_json(found.to_json())
    else:
        click.echo(_table(found))


def _draw(found: "Stats", picture: str) -> None:
    try:
        from speakertrip.corpora.plot import plot_stats
        from speakertrip.metrics.plot import save
    except ModuleNotFoundError as error:
        if str(error.name).split(".")[0] != "matplotlib":
            raise
        raise UsageError(NO_MATPLOTLIB) from None
    save(plot_stats(found), picture)


def _table(found: "Stats") -> str:
    from speakertrip.corpora.stats import QUANTILES, quantiles

    total = found.total
    lines = [
        f"{'utterances':<24}{total.utterances:>10,}",
        f"{'speakers':<24}{total.speakers:>10,}",
        f"{'hours':<24}{total.hours:>10,.2f}",
    ]
    if found.without_duration:
        lines.append(f"{'without a duration':<24}{found.without_duration:>10,}")
    lines += ["", f"{'':<24}" + "".join(f"{name:>10}" for name in QUANTILES)]
    for name, values in found.spreads.items():
        cells = "".join(f"{value:>10,.4g}" for value in quantiles(values).values())
        lines.append(f"{name.replace('_', ' '):<24}{cells}")
    for key, groups in found.groups.items():
        lines += ["", f"{key.replace('_', ' '):<24}{'utterances':>10}{'speakers':>10}{'hours':>10}"]
        for value, amount in list(groups.items())[:SHOWN]:
            name = value or "not stated"
            lines.append(f"{name:<24}{amount.utterances:>10,}{amount.speakers:>10,}{amount.hours:>10,.2f}")
        if len(groups) > SHOWN:
            lines.append(f"and {len(groups) - SHOWN} more; --json has all")
    return "\n".join(lines)
