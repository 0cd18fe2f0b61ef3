"""Refuse audio that holds no speech, or too little: silence would otherwise be scored as if it were a voice."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from speakertrip.audio.detectors import IN_WORDS, DetectorName
from speakertrip.audio.waveform import SAMPLE_RATE
from speakertrip.errors import AudioError, UsageError

MIN_SECONDS = 0.4  # below this an embedding rests on a syllable or two
SILENCE_PEAK = 1e-3  # -60 dB of full scale: the noise of a converter, not a voice


@dataclass(frozen=True, slots=True)
class SpeechNeeds:
    """How much speech there must be, and who says what is speech.

    The defaults come from a small ECAPA-TDNN on real speech that it was not trained on (LibriSpeech excerpt; against
    whole utterances). With probes cut to 0.3, 0.5, 1 and 2 s of speech its EER was 25, 17, 10 and 7 %, and 5 % with
    whole ones. With 0.5 s on both sides it was 28 %, with 0.5 s against 1 s 21 %.

    Attributes:
        detector: "energy", "silero" (needs the extra ``silero``) or "none", to which all audio is speech.
        comparison_seconds: for a probe, and for all references together that it is compared with.
        enrollment_seconds: for all files together that a speaker is enrolled from.
        accept_poor: whether a speaker may be enrolled from a recording that is very noisy (speech less than 10 dB above
            the noise) or clipped in more than a tenth of its samples: either doubles the error, at every comparison.

    Raises:
        UsageError: a number is negative, or none.
    """

    detector: DetectorName = "energy"
    comparison_seconds: float = 0.5
    enrollment_seconds: float = 1.0
    accept_poor: bool = False

    def __post_init__(self) -> None:
        for seconds in (self.comparison_seconds, self.enrollment_seconds):
            if not (math.isfinite(seconds) and seconds >= 0):
                raise UsageError(f"The speech that is needed must be 0 s or more, not {seconds:g}.")


def require_speech(waveform: npt.NDArray[np.float32], name: object) -> None:
    """Check that a waveform is long and loud enough to hold speech.

    Args:
        waveform: ``(samples,)`` at 16 kHz.
        name: the file or utterance, for the message.

    Raises:
        AudioError: shorter than 0.4 s, or never above -60 dB of full scale once its offset is removed.

    >>> require_speech(np.zeros(32000, np.float32), "a.wav")
    Traceback (most recent call last):
    speakertrip.errors.AudioError: a.wav is silent: its peak lies below -60 dB of full scale.
    """
    seconds = len(waveform) / SAMPLE_RATE
    if seconds < MIN_SECONDS:
        raise AudioError(f"{name} lasts {seconds:.2f} s; at least {MIN_SECONDS} s are needed.")
    offset = waveform.mean()
    if np.abs(waveform - offset).max() < SILENCE_PEAK:
        but = ", a constant offset aside," if np.abs(offset) >= SILENCE_PEAK else ""
        raise AudioError(f"{name} is silent: its peak{but} lies below -60 dB of full scale.")


def require_speech_seconds(
    names: Sequence[str], found: Sequence[float], needed: float, detector: DetectorName
) -> None:
    """Check that one or more files hold enough speech in all, and each of them some.

    Args:
        names: of the files, for the message.
        found: seconds of speech in each.
        needed: seconds in all; 0: each file need only hold some.
        detector: which found them.

    Raises:
        AudioError: there is less, or a file holds none.

    >>> require_speech_seconds(["a.wav"], [0.32], 0.5, "energy")
    Traceback (most recent call last):
    speakertrip.errors.AudioError: a.wav holds 0.32 s of speech (energy detector); at least 0.5 s is needed.
    """
    for name, seconds in zip(names, found, strict=True):
        if not seconds:
            raise AudioError(f"{name} holds no speech ({IN_WORDS[detector]}); give one with a voice in it.")
    total = round(sum(found), 6)  # sums of hundredths, which float64 does not hold exactly
    if total < needed:
        others = len(names) - 1
        which = f"{names[0]} and {others} more together hold" if others else f"{names[0]} holds"
        shown = math.floor(total * 100) / 100  # never rounded up to what is needed
        raise AudioError(
            f"{which} {shown:.2f} s of speech ({IN_WORDS[detector]}); at least {needed:g} s is needed."
        )
