"""What audio may be decoded: no header can claim so much that memory or time runs out, and no sample is NaN."""

import numpy as np
import numpy.typing as npt

from speakertrip.errors import AudioError, SamplesError

MAX_SECONDS = 3600.0  # an utterance beyond an hour is a mistake, or an attack on memory
MAX_SAMPLES = 3600 * 48_000  # of the mono result: 659 MiB
MAX_VALUES = 8 * MAX_SAMPLES  # over all channels, which are decoded before their mean is taken
MIN_RATE, MAX_RATE = 4_000, 768_000  # hertz; below there is no speech, above no converter
MAX_LEVEL = 2.0**31  # what a float file could hold of unscaled 32-bit samples; beyond, powers overflow


def limit_format(rate: int, channels: int, name: object) -> None:
    """Check the sample rate, in hertz, that a header states, and the number of channels.

    Raises:
        AudioError: no recording of speech has such a rate, or there is no channel.
    """
    if not MIN_RATE <= rate <= MAX_RATE:
        raise AudioError(
            f"{name} states a sample rate of {rate} Hz; speech has {MIN_RATE} to {MAX_RATE}. Write it again."
        )
    if channels < 1:
        raise AudioError(f"{name} states that it has no channels; write it again.")


def limit_length(frames: int, rate: int, channels: int, name: object) -> None:
    """Check a length before, or while, that much is decoded.

    Args:
        frames: samples of each channel.
        rate: in hertz.
        channels: how many.
        name: for the message.

    Raises:
        AudioError: it is more than an hour, or so much more than 48 kHz or 8 channels that memory or time run out.

    >>> limit_length(3600 * 16_000, 16_000, 2, "a.wav")
    >>> limit_length(3600 * 96_000, 96_000, 1, "a.wav")
    Traceback (most recent call last):
    speakertrip.errors.AudioError: a.wav holds 60.0 minutes; an utterance may have 30 at 96000 Hz. Cut it, or
    name a stretch of it by 'start' and 'duration' in a manifest.
    """
    allowed = min(MAX_SECONDS, MAX_SAMPLES / rate, MAX_VALUES / (rate * channels))
    if frames / rate > allowed:
        why = ""
        if allowed < MAX_SECONDS:
            why = f" at {rate} Hz" + (f" in {channels} channels" if channels > 8 else "")
        raise AudioError(
            f"{name} holds {frames / rate / 60:.1f} minutes; an utterance may have {allowed / 60:.3g}{why}. "
            "Cut it, or name a stretch of it by 'start' and 'duration' in a manifest."
        )


def require_samples(waveform: npt.NDArray[np.float32], start: float, name: object) -> None:
    """Check that a waveform ``(samples,)``, decoded from ``start`` seconds on, can be computed with.

    Raises:
        AudioError: it is empty.
        SamplesError: it holds samples that are not finite or far beyond full scale.
    """
    if not len(waveform):
        where = f" from {start:g} s on" if start else ""
        raise AudioError(f"{name} holds no samples{where}.")
    # Two numbers and no masks, which would be as large as an hour of audio.
    lowest, highest = float(waveform.min()), float(waveform.max())
    if not np.isfinite([lowest, highest]).all():
        raise SamplesError(f"{name} holds samples that are not finite numbers; write the file again.")
    if max(-lowest, highest) > MAX_LEVEL:
        raise SamplesError(
            f"{name} holds samples far beyond full scale; write the file again with samples within ±1."
        )
