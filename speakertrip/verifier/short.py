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
        None where there is as much speech as the longest that was measured, or none was; or where the model errs no more
        often at that length than on whole utterances, as far as the interval there tells.
    """
    calibration = verifier.bundle.calibration
    if calibration is None or calibration.lengths is None:
        return None
    row = calibration.lengths.near(seconds)
    if row is None or (calibration.eer_interval and row.eer.value <= calibration.eer_interval[1]):
        return None
    return ShortSpeech(row, verifier.operating_point is None and rule is verifier.rule)
