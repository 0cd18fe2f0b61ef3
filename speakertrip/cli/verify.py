"""``speakertrip verify``."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from speakertrip.cli.decisions import answer_each, reason
from speakertrip.cli.options import (
    audio_source,
    device_options,
    json_option,
    model_option,
    print_json,
    require_one_stdin,
    speech_options,
    store_option,
    threshold_option,
)
from speakertrip.errors import UsageError

if TYPE_CHECKING:
    from speakertrip.audio.detectors import DetectorName

REJECTED = 1


@click.command()
@click.argument("arguments", nargs=-1, required=True, metavar="[NAME] PROBE...")
@click.option(
    "--against",
    multiple=True,
    metavar="REFERENCE",
    help="Audio of the claimed speaker, instead of a NAME; repeatable.",
)
@model_option
@threshold_option
@store_option
@speech_options(0.5)
@json_option
@device_options
@click.pass_context
def verify(
    ctx: click.Context,
    arguments: tuple[str, ...],
    against: tuple[str, ...],
    model: str,
    revision: str | None,
    threshold: float | None,
    store: str | None,
    vad: "DetectorName",
    min_speech: float,
    as_json: bool,
    device: str,
    threads: int | None,
) -> None:
    """Decide for each PROBE whether it is the enrolled speaker NAME, or the speaker of --against.

    One PROBE or REFERENCE may be -, standard input. Exits with 0 if all are accepted, 1 if one is rejected, 3 if
    one cannot be used: the highest of them.
    """
    probes = arguments if against else arguments[1:]
    if not probes:
        raise UsageError("Nothing to verify: give a NAME and a PROBE, or --against REFERENCE PROBE.")
    require_one_stdin([*against, *probes])
    if against:
        _require_no_name(probes)
    from speakertrip.audio import SpeechNeeds
    from speakertrip.verifier import SpeakerVerifier

    needs = SpeechNeeds(vad, comparison_seconds=min_speech)
    verifier = SpeakerVerifier.from_pretrained(
        model, store, device, threads, needs, revision, threshold=threshold
    )
    references = [audio_source(file) for file in against]
    speaker = verifier.embed_speaker(references) if references else verifier.enrolled(arguments[0])

    def answer(probe: str) -> int:
        (recording,) = verifier.load([audio_source(probe)])
        decision = verifier.compare(speaker, recording)
        words = "accepted" if decision.accepted else "rejected"
        if as_json:
            numbers = {"score": decision.score, "threshold": decision.threshold, "llr": decision.llr}
            speech = {"speech_seconds": round(recording.quality.speech_seconds, 3)}
            print_json({"probe": probe, "decision": words, **numbers, **speech})
        else:
            click.echo(f"{probe}: {words} ({reason(decision)})")
        return 0 if decision.accepted else REJECTED

    ctx.exit(answer_each(probes, as_json, answer))


def _require_no_name(probes: Sequence[str]) -> None:
    """Refuse a first probe that is no file where others are: it was meant as a NAME."""
    if not _is_there(probes[0]) and any(map(_is_there, probes[1:])):
        raise UsageError(
            f"{probes[0]} is no file; if it is a NAME, drop it or --against, which exclude each other."
        )


def _is_there(file: str) -> bool:
    try:
        return file == "-" or Path(file).exists()
    except (OSError, ValueError):  # too long for a path, or not one
        return False
