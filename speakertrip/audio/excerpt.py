"""The middle of a recording, by how much speech it holds."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from speakertrip.audio.activity import find_speech
from speakertrip.audio.speech_time import SpeechTime
from speakertrip.audio.waveform import SAMPLE_RATE

FloatArray = npt.NDArray[np.float32]


def middles_of_speech(waveform: FloatArray, lengths: Sequence[float]) -> list[FloatArray | None]:
    """Return, for each length, the stretch that holds so much speech, with as much speech before it as after it.

    Pauses within it stay, so that it sounds as somebody who is given little time to speak; speech is what
    ``find_speech`` finds in the whole waveform.

    Args:
        waveform: ``(samples,)`` at 16 kHz, finite.
        lengths: seconds of speech, positive.

    Returns:
        Of each a copy ``(samples,)``, at least so long, which does not keep the waveform; None where there is not more
        speech than that.

    Examples:
        >>> rng = np.random.default_rng(0)
        >>> waveform = np.concatenate([np.zeros(16000), rng.standard_normal(32000), np.zeros(48000)])
        >>> short, long = middles_of_speech(waveform, [1.0, 3.0])
        >>> short.shape, long
        ((16000,), None)
    """
    time = SpeechTime.of(find_speech(waveform))
    return [_middle(waveform, time, seconds) for seconds in lengths]


def _middle(waveform: FloatArray, time: SpeechTime, seconds: float) -> FloatArray | None:
    if time.total <= seconds:
        return None
    middle = time.total / 2
    start, end = time.moments_of([middle - seconds / 2, middle + seconds / 2])
    piece: FloatArray = waveform[round(start * SAMPLE_RATE) : round(end * SAMPLE_RATE)].copy()
    return piece
