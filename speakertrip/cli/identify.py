"""``speakertrip identify``."""

from typing import TYPE_CHECKING

import click

from speakertrip.cli.completion import complete_files
from speakertrip.cli.decisions import answer_each, reason, refuse_all
from speakertrip.cli.gathering import gathered
from speakertrip.cli.lines import one_line
from speakertrip.cli.notices import say
from speakertrip.cli.operating_point import expected_among, operating_point_options, strangers_in_words
from speakertrip.cli.options import (
    device_options,
    json_option,
    model_options,
    print_json,
    scoring_option,
    store_options,
)
from speakertrip.cli.short import short_facts, short_in_words
from speakertrip.cli.sources import audio_source, expand_folders
from speakertrip.cli.verifiers import VerifierOptions, speech_options

if TYPE_CHECKING:
    from speakertrip.enrollment import Identification, Scoring

NOBODY = 1


@click.command()
@click.argument("probes", nargs=-1, required=True, metavar="PROBE...", shell_complete=complete_files)
@click.option("--top", type=click.IntRange(1), default=3, show_default=True, help="Candidates to show.")
@model_options
@store_options
@scoring_option
@click.option(
    "--approximate",
    is_flag=True,
    help="Search by an index, faster among a million; it may miss a speaker, and needs the extra search.",
)
@operating_point_options
@speech_options(0.5)
@json_option
@device_options
@gathered(VerifierOptions, "options")
@click.pass_context
def identify(
    ctx: click.Context,
    probes: tuple[str, ...],
    top: int,
    scoring: "Scoring",
    approximate: bool,
    options: VerifierOptions,
    as_json: bool,
) -> None:
    """Say for each PROBE which of all enrolled speakers it is, or "nobody".

    A folder stands for the audio files in it; one PROBE may be -, standard input. Exits with 0 if all are identified, 1
    if one is nobody, 3 if one cannot be used: the highest of them.

    The threshold is that of one comparison, as of verify: among N speakers, a stranger has N chances to be taken for
    one of them. With a false-alarm rate F that happens at a rate of 1 - (1 - F)^N, if the comparisons are
    independent; as they are of one probe, it is rather less. For R of strangers among N speakers give --far R/N.

    The search is exact, and keeps a folder beside the store, FILE-search, so that the next reads what changed only.
    """
    sources = expand_folders(probes)
    options.require_enrolled(None)
    if (refused := refuse_all(sources, as_json)) is not None:
        ctx.exit(refused)
    from speakertrip.enrollment import SearchOptions
    from speakertrip.verifier import short_speech

    verifier = options.to_compare()
    crowd = verifier.crowd(SearchOptions(scoring, approximate=approximate))
    decided_at = crowd.rule.threshold
    compared: list[int] = []

    def answer(probe: str) -> int:
        (recording,) = verifier.load([audio_source(probe)])
        found = verifier.search(crowd, recording, top)
        compared.append(found.profiles)
        seconds = recording.quality.speech_seconds
        short = short_speech(verifier, crowd.rule, seconds)
        if as_json:
            speech = {"speech_seconds": round(seconds, 3)}
            errors = {**expected_among(decided_at, found.profiles), **short_facts(short)}
            print_json({"probe": probe, **_facts(found), **speech, **errors})
        else:
            click.echo("\n".join(_lines(probe, found)))
            if short:
                say(short_in_words(probe, seconds, short))
        return 0 if found.name else NOBODY

    code = answer_each(sources, as_json, answer)
    if compared and not as_json and (note := strangers_in_words(decided_at, compared[0])):
        click.echo(note, err=True)
    ctx.exit(code)


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
    lines = [f"{one_line(probe)}: {found.name or 'nobody'} ({nearest}{reason(best.decision)})"]
    return [*lines, *(f"    {each.name} ({reason(each.decision)})" for each in others)]
