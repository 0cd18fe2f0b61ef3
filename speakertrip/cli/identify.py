"""``speakertrip identify``."""

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

if TYPE_CHECKING:
    from speakertrip.audio.detectors import DetectorName
    from speakertrip.enrollment import Identification

NOBODY = 1


@click.command()
@click.argument("probes", nargs=-1, required=True, metavar="PROBE...")
@click.option("--top", type=click.IntRange(1), default=3, show_default=True, help="Candidates to show.")
@model_option
@threshold_option
@store_option
@speech_options(0.5)
@json_option
@device_options
@click.pass_context
def identify(
    ctx: click.Context,
    probes: tuple[str, ...],
    top: int,
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
    """Say for each PROBE which of all enrolled speakers it is, or "nobody".

    One PROBE may be -, standard input. The threshold is that of one comparison: among N speakers, a stranger has N
    chances to be taken for one of them. Exits with 0 if all are identified, 1 if one is nobody, 3 if one cannot be
    used: the highest of them.
    """
    require_one_stdin(probes)
    from speakertrip.audio import SpeechNeeds
    from speakertrip.verifier import SpeakerVerifier

    needs = SpeechNeeds(vad, comparison_seconds=min_speech)
    verifier = SpeakerVerifier.from_pretrained(
        model, store, device, threads, needs, revision, threshold=threshold
    )
    crowd = verifier.crowd()

    def answer(probe: str) -> int:
        (recording,) = verifier.load([audio_source(probe)])
        found = crowd.search(verifier.embed_speaker([recording]), top)
        if as_json:
            speech = {"speech_seconds": round(recording.quality.speech_seconds, 3)}
            print_json({"probe": probe, **_facts(found), **speech})
        else:
            click.echo("\n".join(_lines(probe, found)))
        return 0 if found.name else NOBODY

    ctx.exit(answer_each(probes, as_json, answer))


def _facts(found: "Identification") -> dict[str, object]:
    return {
        "speaker": found.name,
        "candidates": [
            {"name": each.name, "score": each.decision.score, "llr": each.decision.llr}
            for each in found.candidates
        ],
        "threshold": found.candidates[0].decision.threshold,
        "profiles": found.profiles,
    }


def _lines(probe: str, found: "Identification") -> list[str]:
    best, *others = found.candidates
    nearest = "" if found.name else f"the nearest of {found.profiles:,} is {best.name}, "
    lines = [f"{probe}: {found.name or 'nobody'} ({nearest}{reason(best.decision)})"]
    return [*lines, *(f"    {each.name} ({reason(each.decision)})" for each in others)]
