"""``speakertrip augment-preview``."""

import click

from speakertrip.cli.sources import audio_source


@click.command("augment-preview")
@click.argument("config", metavar="CONFIG.toml")
@click.argument("file")
@click.option("--out", required=True, metavar="FOLDER", help="Folder for the copies and augmentations.txt.")
@click.option("--count", type=click.IntRange(1, 1000), default=10, show_default=True, help="Copies to make.")
@click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True, help="Another one, other draws."
)
@click.option(
    "--data",
    default=".",
    metavar="FOLDER",
    help="Folder that relative paths of the configuration start from, as for train  [default: this one]",
)
@click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Override, as augment.chain.0.probability=1.",
)
def augment_preview(
    config: str, file: str, out: str, count: int, seed: int, data: str, overrides: tuple[str, ...]
) -> None:
    """Write copies of FILE (- is standard input) as training would augment it, and what was done to each.

    Copies of an earlier call in the same folder are replaced; a folder with anything else in it is refused.
    """
    from pathlib import Path

    import numpy as np

    from speakertrip.audio import SAMPLE_RATE, encode
    from speakertrip.audio.augment import LISTING, find_earlier, preview
    from speakertrip.config import read_config
    from speakertrip.manifests.lines import write_lines

    settings = read_config(config, overrides)
    earlier = find_earlier(out)
    stem = "input" if file == "-" else Path(file).stem
    lines = []
    for index, (waveform, done) in enumerate(preview(settings, audio_source(file), data, count, seed)):
        for old in earlier if index == 0 else []:
            old.unlink()
        peak = float(np.abs(waveform).max())
        if peak > 1:  # a file would clip it
            waveform, done = (
                waveform / np.float32(peak),
                [*done, f"level {-20 * np.log10(peak):.1f} dB to fit"],
            )
        name = f"{stem}-{index:03d}.wav"
        lines.append(f"{name}\t{', '.join(done) or 'nothing'}")
        write_lines(Path(out) / LISTING, lines)  # before the copy: an interrupted preview can be replaced too
        encode(Path(out) / name, waveform, SAMPLE_RATE)
        click.echo(lines[-1])
