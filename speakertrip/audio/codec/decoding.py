"""Any source to a mono waveform at its own rate, and what its header says."""

import io
from types import ModuleType

import numpy as np
import numpy.typing as npt

from speakertrip.audio.codec import container, sound
from speakertrip.audio.codec.content import find_library
from speakertrip.audio.codec.stretch import AudioHeader, Stretch
from speakertrip.audio.limits import require_samples
from speakertrip.audio.source import AudioSource, open_audio, source_name
from speakertrip.audio.streams import GuardedStream
from speakertrip.errors import AudioError


def read_header(source: AudioSource) -> AudioHeader:
    """Read a file's header without decoding its samples (raw AAC has no header: it is decoded).

    The duration is the one that the file states; that of an m4a or webm may differ from the decoded samples by
    a codec frame or two (0.1 s).

    Raises:
        AudioError: the file is missing, is not audio, does not state its length, or states a rate that no speech has.
    """
    name = source_name(source)
    with open_audio(source) as stream:
        header: AudioHeader = _library(stream, name).read_header(stream, name)
    return header


def decode(
    source: AudioSource,
    start: float = 0.0,
    duration: float | None = None,
    *,
    channel: int | None = None,
    slack: float = 0.0,
) -> tuple[npt.NDArray[np.float32], int]:
    """Decode a stretch of audio to mono at its own rate, without reading much of what lies before it.

    The first bytes tell what kind of file it is, and not its name. Samples are those of a decoder that began with
    the file: exactly in PCM and FLAC, within 0.01 of full scale in lossy codecs.

    Args:
        source: a file, the bytes of one, or a seekable binary file object (read from its own beginning).
        start: where to begin, in seconds, at least 0.
        duration: how much to read, in seconds; None, or more than there is: to the end.
        channel: which one, from 0; None: the mean of all.
        slack: seconds; where at most this would be left of the file, the stretch goes to its end.

    Returns:
        ``(waveform, sample_rate)``: float32 ``(samples,)``, full scale at ±1, and hertz.

    Raises:
        AudioError: the file is missing, is not audio, is empty in that stretch, or too long (see ``limits``); it has
            no such channel, or channels that cancel each other in their mean; it holds samples that are not finite or
            far beyond full scale.
    """
    name = source_name(source)
    with open_audio(source) as stream:
        waveform, rate = _library(stream, name).decode(stream, Stretch(start, duration, slack), channel, name)
    require_samples(waveform, start, name)
    return waveform, rate


def _library(stream: io.FileIO | GuardedStream, name: str) -> ModuleType:
    try:
        library = find_library(stream)
    except OSError as error:
        raise AudioError(f"{name} cannot be read: {error.strerror}.") from None
    if library is None:
        raise AudioError(f"{name} is not audio that can be decoded (WAV, FLAC, OGG/Opus, MP3, m4a, webm).")
    return container if library == "av" else sound
