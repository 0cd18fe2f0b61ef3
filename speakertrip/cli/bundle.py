"""``speakertrip bundle``: what models are, models from elsewhere as bundles, and bundles for elsewhere."""

from collections.abc import Mapping
from typing import Any, Literal

import click

from speakertrip.cli.options import json_option, print_json, revision_option

TABLES = ("false_alarms", "lengths")  # of a calibration: shown as the card shows them
model_argument = click.argument("model", envvar="SPEAKERTRIP_MODEL", required=False)


@click.group()
def bundle() -> None:
    """Show, verify, import and export models: bundles, and models of other toolkits.

    MODEL is a folder or ORG/NAME of the Hugging Face hub: a bundle, a SpeechBrain ECAPA-TDNN or x-vector, or an
    encoder as one ONNX file in WeSpeaker's manner. Without MODEL it is what SPEAKERTRIP_MODEL names, or, but
    for import, the model that ships with speakertrip.
    """


@bundle.command("import")
@click.argument("model", envvar="SPEAKERTRIP_MODEL")
@revision_option
@click.option("--out", required=True, metavar="FOLDER", help="Bundle to write.")
@click.option(
    "--window", type=click.Choice(["hamming", "povey"]),
    help="Of the filter bank of an ONNX file  [default: hamming, as WeSpeaker's]",
)  # fmt: skip
@json_option
def import_(
    model: str, revision: str | None, out: str, window: Literal["hamming", "povey"] | None, as_json: bool
) -> None:
    """Write MODEL as a bundle of its own: safetensors, checksums, and a card that says where it is from.

    Speakers who were enrolled with MODEL stay valid: it is the same model.
    """
    from speakertrip.bundle import import_bundle, summarize

    found = import_bundle(model, out, revision, window=window)
    if as_json:
        print_json({"bundle": out, **summarize(found)})
    else:
        click.echo(f"{out}: {found.encoder.kind} of {found.source}")


@bundle.command()
@model_argument
@revision_option
@click.option("--out", required=True, metavar="FILE", help="ONNX file to write.")
@json_option
def export(model: str | None, revision: str | None, out: str, as_json: bool) -> None:
    """Write MODEL as one ONNX file that runs without speakertrip: `waveform` (batch, samples) to `embedding`.

    Samples are float32 at 16 kHz, embeddings are raw. The file says its sample rate and origin as properties, and a
    threshold of cosines if one is known and MODEL scores by them alone, as they are or calibrated linearly: centring,
    LDA, PLDA and score norm are not in the file. Give it speech of 30 s or less without long pauses: MODEL leaves out
    silence at the ends, and embeds what is longer or mostly pauses in windows; the file does not.

    It is written if onnxruntime gives the embeddings of MODEL, else the exit code is 5. An older export is replaced,
    another file is not. Needs the extra `onnx`.
    """
    from speakertrip.export import export_onnx

    found = export_onnx(model, out, revision)
    if as_json:
        print_json({"file": out, **found.summary()})
        return
    within = f"embeddings within {found.agreement.difference:.0e} of the bundle's"
    click.echo(
        f"{out}: {found.bundle.encoder.kind} of {found.bundle.source}, {found.size / 1e6:.1f} MB, {within}"
    )
    if "threshold" not in found.properties:
        click.echo(
            f"It has no threshold for cosines: {found.properties.get('scores', 'none is known')}.", err=True
        )


@bundle.command()
@model_argument
@revision_option
@json_option
def show(model: str | None, revision: str | None, as_json: bool) -> None:
    """Say what MODEL is: its origin, front end, encoder, threshold, and the steps after the embedding."""
    from speakertrip.bundle import Bundle, summarize

    found = Bundle.load(model, revision)
    summary = summarize(found)
    if as_json:
        print_json(summary)
    else:
        for name, value in summary.items():
            click.echo(f"{name:<12}{_text(value)}")
        if found.calibration and (table := found.calibration.card()):
            click.echo(f"\n{table.rstrip()}")


@bundle.command()
@model_argument
@revision_option
@json_option
def verify(model: str | None, revision: str | None, as_json: bool) -> None:
    """Check that MODEL is whole: the hashes of its files, the shapes of its weights, and that all are finite.

    An ONNX file is tried: what it gives for noise must be finite.

    Exits with 5 and says what is wrong if anything is.
    """
    from speakertrip.bundle import Bundle, summarize

    found = summarize(Bundle.load(model, revision))
    if as_json:
        print_json({key: found[key] for key in ("model", "commit", "identity", "tensors", "parameters")})
    else:
        tensors, numbers = found["tensors"], found["parameters"]
        size = "an ONNX file" if tensors is None else f"{tensors:,} tensors of {numbers:,} numbers"
        click.echo(f"{found['model']}: whole, {size}")


@bundle.command()
@model_argument
@revision_option
def card(model: str | None, revision: str | None) -> None:
    """Print the model card of MODEL, Markdown."""
    from speakertrip.bundle import Bundle

    click.echo(Bundle.load(model, revision).card.rstrip())


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_text(each)}" for name, each in value.items() if name not in TABLES)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "-" if value is None or value == "" else str(value)
