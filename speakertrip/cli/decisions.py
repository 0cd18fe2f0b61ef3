"""Answers about probes: the loop over them, and a decision in words."""

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import click

from speakertrip.cli.lines import message_of, sentence
from speakertrip.cli.options import print_json
from speakertrip.cli.sources import require_files
from speakertrip.errors import AudioError, StoreError

if TYPE_CHECKING:
    from speakertrip.backend import Decision


def answer_each(
    probes: Sequence[str], as_json: bool, answer: Callable[[str], int], key: str = "probe"
) -> int:
    """Answer for each probe, and return the highest exit code; of one that cannot be used say why, and go on."""
    code = 0
    for probe in probes:
        try:
            code = max(code, answer(probe))
        except (AudioError, StoreError) as error:
            click.echo(sentence(error), err=True)
            if as_json:
                print_json({key: probe, "error": message_of(error)})
            code = max(code, error.exit_code)
    return code


def refuse_all(probes: Sequence[str], as_json: bool, key: str = "probe") -> int | None:
    """Say why of each probe, and return the exit code, if none of them is there; None: a model is to be loaded."""

    def is_there(probe: str) -> bool:
        try:
            require_files([probe])
        except AudioError:
            return False
        return True

    def refuse(probe: str) -> int:
        require_files([probe])
        return 0

    return None if any(map(is_there, probes)) else answer_each(probes, as_json, refuse, key)


def meaning(decision: "Decision") -> str | None:
    """Say what the likelihood ratio means; None where the score is none."""
    from speakertrip.backend import in_words

    return None if decision.llr is None else in_words(decision.llr)


def reason(decision: "Decision") -> str:
    """Say the score, what it means, and what it was held against."""
    words = meaning(decision)
    score = f"score {decision.score:.4f}" if words is None else f"LLR {decision.score:.4f}: {words}"
    return f"{score}, threshold {decision.threshold:.4f}"


def speech_in_words(seconds: float) -> str:
    """Say how much speech there is, never rounded up to a length that it is less than.

    >>> speech_in_words(0.98), speech_in_words(sum([0.1] * 8))
    ('0.9 s of speech', '0.8 s of speech')
    """
    return f"{seconds_in_words(seconds)} of speech"


def seconds_in_words(seconds: float) -> str:
    """Say so many seconds, rounded down to a tenth.

    >>> seconds_in_words(0.98), seconds_in_words(1.3)
    ('0.9 s', '1.3 s')
    """
    return f"{math.floor(round(seconds * 10, 5)) / 10:.1f} s"
