"""The audio of an utterance: of a file, or of a shard that holds many."""

import numpy as np
import numpy.typing as npt

from speakertrip.audio.source import AudioSource, AudioSpan
from speakertrip.audio.waveform import load_waveform
from speakertrip.manifests import Utterance

ROUNDING = 0.01  # seconds


def audio_of(utterance: Utterance) -> AudioSource:
    """Return what an utterance is read from: its file, or the stretch of a shard that is its file."""
    if utterance.span is None:
        return utterance.path
    return AudioSpan(utterance.path, *utterance.span, f"{utterance.id} in {utterance.path}")


def load_utterance(
    utterance: Utterance, start: float = 0.0, duration: float | None = None
) -> npt.NDArray[np.float32]:
    """Load a stretch of an utterance, float32 ``(samples,)`` at 16 kHz.

    Many manifests round durations to 0.01 s. An utterance that would end less than that before its file does goes to
    the end of the file, so that it is the same audio as the file itself.

    Args:
        utterance: a row of a manifest.
        start: where the stretch begins within the utterance, in seconds.
        duration: how much to read, in seconds; None: to the end of the utterance.

    Raises:
        AudioError: see ``speakertrip.audio.decode``.
    """
    slack = 0.0
    if duration is None and utterance.duration is not None:
        duration, slack = utterance.duration - start, ROUNDING
    return load_waveform(audio_of(utterance), utterance.start + start, duration, slack=slack)
