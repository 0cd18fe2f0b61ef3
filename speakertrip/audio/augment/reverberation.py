"""Reverberation by the response of a room."""

import numpy as np
from scipy import fft

from speakertrip.audio.augment.clips import Clips
from speakertrip.audio.augment.effect import Note, Waveform, no_note, noted
from speakertrip.audio.augment.mixing import SILENCE_POWER, power


def reverberate(waveform: Waveform, response: Waveform) -> Waveform:
    """Convolve with a room response, its direct path aligned, the energy kept.

    Args:
        waveform: ``(samples,)``.
        response: ``(taps,)``; its largest sample is the direct path, which moves to time 0.

    Returns:
        float32 ``(samples,)``; the waveform itself where nothing would be left.

    >>> reverberate(np.array([1, 0, 0, 0], np.float32), np.array([0, 2, 0], np.float32)).round(6)
    array([1., 0., 0., 0.], dtype=float32)
    """
    samples, direct = len(waveform), int(np.abs(response).argmax())
    signal = power(waveform)
    if signal < SILENCE_POWER or not response[direct]:
        return waveform
    # Unit scale, so that no response can overflow; taps later than the waveform is long add nothing.
    response = response[: direct + samples] / np.abs(response[direct])
    # What a shorter transform wraps around falls on the samples before the direct path, which are cut off.
    points = fft.next_fast_len(
        max(samples + len(response) - 1 - direct, len(response), samples + direct), real=True
    )
    spectrum = fft.rfft(waveform, points)
    spectrum *= fft.rfft(response, points)
    wet = fft.irfft(spectrum, points)[direct : direct + samples]
    level = power(wet)
    return waveform if level < SILENCE_POWER else np.asarray(wet * np.float32(np.sqrt(signal / level)))


class Reverb:
    """A drawn measured response.

    Args:
        clips: the responses.
    """

    def __init__(self, clips: Clips) -> None:
        self.clips = clips

    def transform(self, waveform: Waveform, rng: np.random.Generator, note: Note = no_note) -> Waveform:
        """See ``Effect``."""
        index = int(rng.integers(len(self.clips.lengths)))
        wet = reverberate(waveform, self.clips.read(index, 0, self.clips.lengths[index]))
        return noted(waveform, wet, note, f"reverberation by {self.clips.names[index]}")
