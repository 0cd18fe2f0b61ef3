"""Refuse audio that holds no speech: silence would otherwise be scored as if it were a voice."""

import numpy as np
import numpy.typing as npt

from speakertrip.audio.waveform import SAMPLE_RATE
from speakertrip.errors import AudioError

MIN_SECONDS = 0.4  # below this an embedding rests on a syllable or two
SILENCE_PEAK = 1e-3  # -60 dB of full scale: the noise of a converter, not a voice


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
    if np.abs(waveform - waveform.mean()).max() < SILENCE_PEAK:
        raise AudioError(f"{name} is silent: its peak lies below -60 dB of full scale.")
