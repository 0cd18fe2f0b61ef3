"""Models of other toolkits as the files of a bundle: what they are, and the card that says so."""

from collections.abc import Mapping

from speakertrip.bundle.inert_yaml import licence_of, text_of
from speakertrip.bundle.layouts import CARD, CONFIG, BundleConfig
from speakertrip.bundle.source import Source
from speakertrip.bundle.weights import weights_file

CARD_TEXT = """\
# {name}

| | |
|---|---|
| from | {name}, {origin} |
| revision | {commit} |
| licence | {licence} |
| front end | {features} |
| encoder | {encoder} |

Embeddings are those of the model in its own toolkit; scores are cosines. **No threshold is known**: fit one to trials
of your own, which you report nothing on, by `speakertrip backend`, or say one by `--threshold`.

There is no detection of replayed or synthetic speech.
"""


def as_bundle(
    config: BundleConfig, weights: bytes, origin: str, source: Source, card: bytes
) -> dict[str, bytes]:
    """Return the files of a bundle, by name, that is the same model.

    Args:
        config: its front end and encoder.
        weights: of the encoder, as a bundle keeps them.
        origin: what it was, in words.
        source: where it is from.
        card: its own model card; empty if it has none.
    """
    return {
        CONFIG: config.model_dump_json(indent=2).encode(),
        weights_file(config.encoder): weights,
        CARD: _card(config, origin, source, card).encode(),
    }


def _card(config: BundleConfig, origin: str, source: Source, card: bytes) -> str:
    text = CARD_TEXT.format(
        name=source.name,
        origin=origin,
        commit=source.commit or "not known: a folder",
        licence=licence_of(card) or "not stated",
        features=_facts(config.features.model_dump()),
        encoder=_facts(config.encoder.model_dump()),
    )
    if card:
        text += f"\n## The model card it came with\n\n{text_of(card)}\n"
    return text


def _facts(options: Mapping[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in options.items())
