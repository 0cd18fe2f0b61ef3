"""What is known of the errors with as little speech as a probe holds."""

from dataclasses import dataclass

from speakertrip.backend import DecisionRule
from speakertrip.bundle import LengthErrors
from speakertrip.verifier.facade import SpeakerVerifier


@dataclass(frozen=True, slots=True)
class ShortSpeech:
    """What was measured at the length that is nearest to the speech of a probe.

    Attributes:
        measured: the errors there.
        at_threshold: whether its misses and false alarms are those of the threshold that decided; else only the equal
            error rate tells anything.
    """

    measured: LengthErrors
    at_threshold: bool


def short_speech(verifier: SpeakerVerifier, rule: DecisionRule, seconds: float) -> ShortSpeech | None:
    """Say what is known of the errors with so little speech.

    Args:
        verifier: that decided.
        rule: by which it decided: its own, of a store, or for the best of several scores.
        seconds: of speech in the probe, positive.

    Returns:
        None where there is as much speech as the longest that was measured, or none was; or where nothing tells that
        the model errs more with it: the equal error rate at that length is within the interval of that of whole
        utterances, and neither misses nor false alarms at the threshold that decided, if those are known, have an
        interval that lies above it. On whole utterances both are that equal error rate, at the model's threshold.
    """
    calibration = verifier.bundle.calibration
    if calibration is None or calibration.lengths is None:
        return None
    row = calibration.lengths.near(seconds)
    if row is None:
        return None
    of_bundle = rule.backend is verifier.bundle.backend and rule.threshold.value == calibration.threshold
    at_threshold = of_bundle and not rule.best
    whole = calibration.eer_interval
    return None if whole and not _above(row, whole[1], at_threshold) else ShortSpeech(row, at_threshold)


def _above(row: LengthErrors, rate: float, at_threshold: bool) -> bool:
    """Tell whether errors lie above a rate: the equal error rate, or surely one of those at the threshold."""
    rates = (row.miss, row.false_alarm) if at_threshold else ()
    return row.eer.value > rate or any(each.interval[0] > rate for each in rates)
