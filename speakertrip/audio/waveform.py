"""The one waveform that everything downstream sees: float32, mono, 16 kHz."""

import warnings

import numpy as np
import numpy.typing as npt
import soxr

from speakertrip.audio.codec import decode
from speakertrip.audio.source import AudioSource
from speakertrip.errors import SpeakertripWarning

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


def load_recording(source: AudioSource) -> npt.NDArray[np.float32]:
    """Decode a whole recording that somebody hands in, and warn if it is of a telephone.

    The warning stands here and not in ``load_waveform``, which also reads the crops of a training: who trains on a
    telephone corpus knows what it is.

    Returns:
        As ``load_waveform``.

    Raises:
        AudioError: see ``speakertrip.audio.decode``.

    Warns:
        SpeakertripWarning: its rate is below 16 kHz; the same text for every recording of that rate.
    """
    waveform, sample_rate = decode(source)
    if sample_rate < SAMPLE_RATE:
        warnings.warn(
            f"Audio at {sample_rate} Hz holds nothing above {sample_rate / 2:g} Hz, where 16 kHz speech has as much "
            "again to tell voices by; compare it with audio of the same band.",
            SpeakertripWarning,
            stacklevel=2,
        )
    return resample(waveform, sample_rate, SAMPLE_RATE)


def resample(waveform: npt.NDArray[np.float32], old_rate: float, new_rate: float) -> npt.NDArray[np.float32]:
    """Resample ``(samples,)`` from one rate to another, both in hertz (soxr, high quality).

    >>> resample(np.zeros(8000, np.float32), 8000, 16000).shape
    (16000,)
    """
    if old_rate == new_rate:
        return waveform
    return np.asarray(soxr.resample(waveform, old_rate, new_rate), dtype=np.float32)
