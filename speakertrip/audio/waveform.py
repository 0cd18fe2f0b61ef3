"""The one waveform that everything downstream sees: float32, mono, 16 kHz."""

import numpy as np
import numpy.typing as npt
import soxr

from speakertrip.audio.codec import decode
from speakertrip.audio.source import AudioSource

SAMPLE_RATE = 16_000  # hertz


def load_waveform(
    source: AudioSource, start: float = 0.0, duration: float | None = None
) -> npt.NDArray[np.float32]:
    """Decode a stretch of audio to 16 kHz mono.

    Args:
        source: a file, or the bytes of one (WAV, FLAC, OGG/Opus, MP3; a file also m4a and webm, with the extra
            ``m4a``).
        start: where to begin, in seconds.
        duration: how much to read, in seconds; None: to the end.

    Returns:
        float32 ``(samples,)``, full scale at ±1.

    Raises:
        AudioError: see ``speakertrip.audio.decode``.
    """
    waveform, sample_rate = decode(source, start, duration)
    return resample(waveform, sample_rate, SAMPLE_RATE)


def resample(waveform: npt.NDArray[np.float32], old_rate: float, new_rate: float) -> npt.NDArray[np.float32]:
    """Resample ``(samples,)`` from one rate to another, both in hertz (soxr, high quality).

    >>> resample(np.zeros(8000, np.float32), 8000, 16000).shape
    (16000,)
    """
    if old_rate == new_rate:
        return waveform
    return np.asarray(soxr.resample(waveform, old_rate, new_rate), dtype=np.float32)
