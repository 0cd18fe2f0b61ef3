"""What is said of probes that hold little speech."""

from typing import TYPE_CHECKING, Literal

from speakertrip.cli.decisions import seconds_in_words, speech_in_words
from speakertrip.cli.lines import one_line
from speakertrip.errors import counted

if TYPE_CHECKING:
    from speakertrip.verifier import ShortSpeech


def short_facts(
    short: "ShortSpeech | None", key: Literal["short_speech", "short_reference"] = "short_speech"
) -> dict[str, object]:
    """Return what was measured with as little speech, for JSON; nothing where it is not known to err more.

    Rates at the threshold are null where another one decided.
    """
    if short is None:
        return {}
    row, rates = short.measured, short.at_threshold
    return {
        key: {
            "seconds": row.seconds,
            "eer": row.eer.value,
            "eer_interval": row.eer.interval,
            "miss_rate": row.miss.value if rates else None,
            "miss_interval": row.miss.interval if rates else None,
            "false_alarm_rate": row.false_alarm.value if rates else None,
            "false_alarm_interval": row.false_alarm.interval if rates else None,
        }
    }


def reference_in_words(name: str, seconds: float, short: "ShortSpeech") -> str:
    """Say the same of who is compared with, by the utterance that holds the most speech."""
    return f"{name} is known by only {seconds_in_words(seconds)} of speech: with {_errors(short)}."


def short_in_words(probe: str, seconds: float, short: "ShortSpeech") -> str:
    """Say the same in a sentence.

    Args:
        probe: the file.
        seconds: of speech in it.
        short: what was measured.
    """
    return f"{one_line(probe)} holds only {speech_in_words(seconds)}: with {_errors(short)}."


def _errors(short: "ShortSpeech") -> str:
    row = short.measured
    errors = f"the equal error rate of this model is {row.eer}"
    if short.at_threshold:
        errors = f"this model misses {row.miss} and falsely accepts {row.false_alarm} at its threshold"
    return f"{row.seconds:g} s on each side, {errors}"


def many_short_in_words(count: int) -> str:
    """Say how many test utterances of a list hold so little speech that the model is known to err more with it."""
    return (
        f"{counted(count, 'test utterance')} with so little speech that this model errs more: `speakertrip bundle "
        "show` says how often."
    )
