"""A recording that somebody hands in: its waveform, its measures, and what is to be warned of."""

import warnings
from dataclasses import dataclass, field
from typing import BinaryIO, cast

import numpy as np
import numpy.typing as npt

from speakertrip.audio.codec.content import find_format
from speakertrip.audio.detectors import Detector
from speakertrip.audio.quality import Quality, measure_quality
from speakertrip.audio.source import AudioSource, open_audio, source_name
from speakertrip.audio.speech import require_speech
from speakertrip.audio.structure import is_cut
from speakertrip.audio.utterance import audio_of, load_utterance
from speakertrip.audio.waveform import load_waveform
from speakertrip.errors import AudioError, SpeakertripWarning
from speakertrip.manifests import Utterance

# With white noise 10 dB below the speech of the probes, the EER of a small ECAPA-TDNN on a LibriSpeech excerpt rose
# from 4 to 10 %; with 3 % of their samples clipped to 5 %, and with 10 % of them to 10 %. None of 975 real
# utterances is as noisy or as clipped as is warned of. A lossy codec hides half of the clipping.
HEAVILY_CLIPPED = 0.02  # share of the samples
VERY_NOISY_DB = 10.0  # signal-to-noise ratio
SPOILT_BY_CLIPPING = 0.1  # share of the samples that doubles the error, as very much noise does
NARROW_BAND = 4_500.0  # hertz; speech of 16 kHz has as much again to tell voices by


@dataclass(frozen=True, slots=True)
class Recording:
    """A whole recording, decoded and measured.

    Attributes:
        source: where it is from.
        waveform: float32 ``(samples,)`` at 16 kHz.
        quality: its measures, with the speech that the detector found.
    """

    source: AudioSource
    waveform: npt.NDArray[np.float32] = field(repr=False)
    quality: Quality

    @property
    def name(self) -> str:
        """What messages call it."""
        return source_name(self.source)


def read_recording(source: AudioSource, detector: Detector) -> Recording:
    """Decode and measure a whole recording.

    Raises:
        AudioError: it cannot be decoded, is shorter than 0.4 s, or silent.

    Warns:
        SpeakertripWarning: it is heavily clipped (more than 2 % of its samples), very noisy (speech less than 10 dB
            above the noise of its pauses), of a narrow band (nothing above 4.5 kHz, as from a telephone, whatever its
            sample rate), or ends before its header says (of WAV; other formats are refused then).
    """
    return _measure(source, load_waveform(source), detector)


def record_utterance(utterance: Utterance, detector: Detector) -> Recording:
    """Decode and measure an utterance of a manifest, as ``read_recording`` does a whole file.

    Raises:
        AudioError: likewise; the message names the utterance.

    Warns:
        SpeakertripWarning: likewise.
    """
    try:
        return _measure(audio_of(utterance), load_utterance(utterance), detector)
    except AudioError as error:
        raise AudioError(f"Utterance {utterance.id}: {error}") from None


def _measure(source: AudioSource, waveform: npt.NDArray[np.float32], detector: Detector) -> Recording:
    name = source_name(source)
    require_speech(waveform, name)
    quality = measure_quality(waveform, detector(waveform))
    with open_audio(source) as opened:
        stream = cast(BinaryIO, opened)
        cut = is_cut(stream, find_format(stream))
    for trouble in [*_troubles(quality), *(["ends before its header says"] if cut else [])]:
        warnings.warn(
            f"{name} {trouble}; the score may be worse for it.",
            SpeakertripWarning,
            stacklevel=3,
        )
    return Recording(source, waveform, quality)


def spoilt(quality: Quality) -> str | None:
    """Say what is wrong with a recording that no speaker should be enrolled from; None: nothing.

    Example:
        >>> from dataclasses import replace
        >>> clean = measure_quality(np.sin(np.arange(16_000, dtype=np.float32) / 9), [(0, 16_000)])
        >>> spoilt(clean), spoilt(replace(clean, clipped=0.2))
        (None, 'is heavily clipped (20.0% of the samples)')
    """
    troubles = _troubles(quality)
    noisy = quality.snr_db is not None and quality.snr_db < VERY_NOISY_DB
    return troubles[0] if noisy or quality.clipped > SPOILT_BY_CLIPPING else None


def _troubles(quality: Quality) -> list[str]:
    troubles = []
    if quality.clipped > HEAVILY_CLIPPED:
        troubles.append(f"is heavily clipped ({quality.clipped:.1%} of the samples)")
    if quality.snr_db is not None and quality.snr_db < VERY_NOISY_DB:
        troubles.append(f"is very noisy (speech {quality.snr_db:.0f} dB above the noise)")
    if 0 < quality.bandwidth < NARROW_BAND:
        troubles.append(f"holds nothing above {quality.bandwidth / 1000:.1f} kHz, as from a telephone")
    return troubles
