"""``speakertrip manifest download``."""

import click


@click.command()
@click.argument("name")
@click.argument("folder")
@click.option("--split", "splits", multiple=True, metavar="NAME", help="May be given several times.")
def download(name: str, folder: str, splits: tuple[str, ...]) -> None:
    """Download the corpus NAME into FOLDER, check it and unpack it.

    NAME is librispeech, speechocean, cnceleb, vctk, voxceleb-trials (the official lists), musan or rirs. An
    interrupted download goes on where it broke off. VoxCeleb's audio and Common Voice are behind a form: for
    voxceleb1, voxceleb2 and common-voice the command says where to ask.
    """
    from tqdm import tqdm

    from speakertrip.corpora.catalog import CATALOG, fetch

    if name in CATALOG:
        click.echo(f"Terms of use: {CATALOG[name].terms}", err=True)
    with tqdm(unit="B", unit_scale=True, leave=False, disable=None) as bar:
        shown = ""

        def show(what: str, done: int, total: int | None) -> None:
            nonlocal shown
            if what != shown:
                shown = what
                bar.reset()
                bar.set_description_str(what, refresh=False)
            bar.total = total
            bar.update(done - bar.n)

        files = fetch(name, folder, splits, show)
    checksums = {file.name: file.checksum for each in CATALOG[name].splits.values() for file in each}
    for path in files:
        checksum = checksums[path.name]
        proof = f"{checksum.algorithm} checked" if checksum else "no checksum is known"
        click.echo(f"{path}: {path.stat().st_size:,} bytes, {proof}")
