"""``speakertrip verify``."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from speakertrip.cli.completion import complete_files, complete_name_then_files
from speakertrip.cli.decisions import answer_each, meaning, reason, refuse_all, speech_in_words
from speakertrip.cli.gathering import gathered
from speakertrip.cli.lines import one_line
from speakertrip.cli.notices import say
from speakertrip.cli.operating_point import errors_in_words, expected, operating_point_options
from speakertrip.cli.options import (
    device_options,
    json_option,
    model_options,
    print_json,
    scoring_option,
    store_options,
)
from speakertrip.cli.short import reference_in_words, short_facts, short_in_words
from speakertrip.cli.sources import audio_source, expand_folders, require_files, require_one_stdin
from speakertrip.cli.verifiers import VerifierOptions, speech_options
from speakertrip.cli.verify_batch import BatchOptions, verify_trials
from speakertrip.errors import UsageError

if TYPE_CHECKING:
    from speakertrip.enrollment import Scoring
    from speakertrip.verifier import Claim, ShortSpeech, SpeakerVerifier

REJECTED = 1


@click.command()
@click.argument("arguments", nargs=-1, metavar="[NAME] PROBE...", shell_complete=complete_name_then_files)
@click.option(
    "--against",
    multiple=True,
    metavar="REFERENCE",
    shell_complete=complete_files,
    help="Audio of the claimed speaker, instead of a NAME; repeatable.",
)
@click.option(
    "--trials", metavar="TRIALS", help="Answer each pair of this list of NAMEs and ids of --manifest instead."
)
@click.option("--manifest", metavar="MANIFEST", help="Where the test ids of --trials are found.")
@click.option(
    "--out", metavar="SCORES", help="Write the scores of --trials, 'name test score' a line, and no answers."
)
@model_options
@store_options
@scoring_option
@operating_point_options
@speech_options(0.5)
@json_option
@device_options
@gathered(BatchOptions, "batch")
@gathered(VerifierOptions, "options")
@click.pass_context
def verify(
    ctx: click.Context,
    arguments: tuple[str, ...],
    against: tuple[str, ...],
    batch: BatchOptions,
    scoring: "Scoring",
    options: VerifierOptions,
    as_json: bool,
) -> None:
    """Decide for each PROBE whether it is the enrolled speaker NAME, or the speaker of --against.

    A folder stands for the audio files in it; one PROBE or REFERENCE may be -, standard input. Exits with 0 if all
    are accepted, 1 if one is rejected, 3 if one cannot be used: the highest of them.

    With --trials the exit code is 0, whatever is decided, or 3 if one utterance cannot be used.

    The threshold is the model's own, where strangers are accepted as often as speakers are missed, unless --far or
    --p-target chooses another. stderr says how often it is expected to err in one comparison (--json by numbers), among
    voices like those that it was found on: measure yours. Where the model is known to err more with as little speech as
    a PROBE or REFERENCE holds, stderr says how often. There is no detection of replayed or synthetic speech.
    """
    _require_one_way(arguments, against, batch)
    probes = arguments if against else arguments[1:]
    if not (probes or batch.trials):
        raise UsageError("Nothing to verify: give a NAME and a PROBE, or --against REFERENCE PROBE.")
    require_one_stdin([*against, *probes])
    if against:
        _require_no_name(probes)
    sources = expand_folders(probes)
    lists = batch.read()
    files = expand_folders(against)
    if against:
        require_files(files)
    else:
        options.require_enrolled(None if lists else arguments[0])
    if not lists and (code := refuse_all(sources, as_json)) is not None:
        ctx.exit(code)
    verifier = options.to_compare(with_store=not against)
    if lists:
        ctx.exit(verify_trials(verifier, lists, batch.out, as_json, scoring))
    references = [audio_source(file) for file in files]
    known = None if references else verifier.enrolled(arguments[0], scoring)
    claim = known or verifier.reference(references, scoring)
    from speakertrip.verifier import short_speech

    few = short_speech(verifier, claim.rule, claim.speech_seconds)
    if few and not as_json:
        say(reference_in_words("The reference" if references else arguments[0], claim.speech_seconds, few))

    whole: list[str] = []  # probes that are no shorter than those that the errors are known of

    def answer(probe: str) -> int:
        code, short = _answer(verifier, claim, probe, few, as_json)
        if not (short or few):
            whole.append(probe)
        return code

    code = answer_each(sources, as_json, answer)
    if whole and not as_json and (note := errors_in_words(claim.rule.threshold)):
        say(note)
    ctx.exit(code)


def _answer(
    verifier: "SpeakerVerifier", claim: "Claim", probe: str, few: "ShortSpeech | None", as_json: bool
) -> tuple[int, bool]:
    """Compare a probe with who is claimed, print the decision, and return its exit code, and whether it is short."""
    from speakertrip.verifier import short_speech

    (recording,) = verifier.load([audio_source(probe)])
    decision = verifier.compare(claim, recording)
    seconds = recording.quality.speech_seconds
    words = "accepted" if decision.accepted else "rejected"
    short = short_speech(verifier, claim.rule, seconds)
    if as_json:
        numbers = {"score": decision.score, "threshold": decision.threshold, "llr": decision.llr}
        speech = {"speech_seconds": round(seconds, 3), "meaning": meaning(decision)}
        errors = {**expected(claim.rule.threshold), **short_facts(short)}
        reference = short_facts(few, "short_reference")
        print_json({"probe": probe, "decision": words, **numbers, **speech, **errors, **reference})
    else:
        click.echo(f"{one_line(probe)}: {words} ({reason(decision)}, {speech_in_words(seconds)})")
        if short:
            say(short_in_words(probe, seconds, short))
    return 0 if decision.accepted else REJECTED, short is not None


def _require_one_way(arguments: Sequence[str], against: Sequence[str], batch: BatchOptions) -> None:
    if batch.trials and (arguments or against):
        raise UsageError("--trials names speakers and probes; give no NAME, PROBE or --against beside it.")
    if (batch.manifest or batch.out) and not batch.trials:
        raise UsageError("--manifest and --out go with --trials.")
    if not (batch.trials or arguments):
        raise UsageError("Missing argument '[NAME] PROBE...', or --trials TRIALS --manifest MANIFEST.")


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
