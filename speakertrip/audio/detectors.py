"""Which detector says where speech is: energy, Silero, or none at all."""

from collections.abc import Callable
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from speakertrip.audio.activity import Stretches, find_speech
from speakertrip.audio.waveform import SAMPLE_RATE

DetectorName = Literal["energy", "silero", "none"]
Detector: TypeAlias = Callable[[npt.NDArray[np.float32]], Stretches]

IN_WORDS: dict[DetectorName, str] = {
    "energy": "energy detector",
    "silero": "Silero detector",
    "none": "no detector: all audio counts",
}


def make_detector(name: DetectorName) -> Detector:
    """Return a detector: of a waveform ``(samples,)`` at 16 kHz, the stretches of speech in seconds.

    Raises:
        UsageError: it is "silero", and the packages of the extra ``silero`` are not installed.

    >>> make_detector("none")(np.zeros(24000, np.float32))
    [(0.0, 1.5)]
    """
    if name == "silero":
        from speakertrip.audio.silero import SileroDetector

        return SileroDetector()
    return find_speech if name == "energy" else _everything


def _everything(waveform: npt.NDArray[np.float32]) -> Stretches:
    return [(0.0, len(waveform) / SAMPLE_RATE)] if len(waveform) else []
