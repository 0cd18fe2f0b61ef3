"""The one waveform that everything downstream sees: float32, mono, 16 kHz."""

import numpy as np
import numpy.typing as npt
import soxr

from speakertrip.audio.codec import decode
from speakertrip.audio.source import AudioSource

SAMPLE_RATE = 16_000  # hertz


def load_waveform(
    source: AudioSource,
    start: float = 0.0,
    duration: float | None = None,
    *,
    channel: int | None = None,
    slack: float = 0.0,
) -> npt.NDArray[np.float32]:
    """Decode a stretch of audio to 16 kHz mono.

    Args:
        source: a file, the bytes of one, or a seekable binary file object: WAV, FLAC, OGG/Opus, MP3, and with the
            extra ``m4a`` also m4a and webm.
        start: where to begin, in seconds.
        duration: how much to read, in seconds; None: to the end.
        channel: which one, from 0; None: the mean of all.
        slack: seconds; where at most this would be left of the file, the stretch goes to its end.

    Returns:
        float32 ``(samples,)``, full scale at ±1.

    Raises:
        AudioError: see ``speakertrip.audio.decode``.
    """
    waveform, sample_rate = decode(source, start, duration, channel=channel, slack=slack)
    return resample(waveform, sample_rate, SAMPLE_RATE)


def resample(waveform: npt.NDArray[np.float32], old_rate: float, new_rate: float) -> npt.NDArray[np.float32]:
    """Resample ``(samples,)`` from one rate to another, both in hertz (soxr, high quality).

    >>> resample(np.zeros(8000, np.float32), 8000, 16000).shape
    (16000,)
    """
    if old_rate == new_rate:
        return waveform
    return np.asarray(soxr.resample(waveform, old_rate, new_rate), dtype=np.float32)
