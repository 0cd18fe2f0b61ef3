"""Decode and encode audio: soundfile for WAV, FLAC, OGG/Opus and MP3; av (an extra) for m4a and webm."""

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile

from speakertrip.audio.limits import limit_length, require_samples
from speakertrip.audio.source import AudioBytes, AudioSource, require_file
from speakertrip.errors import AudioError, StorageError
from speakertrip.manifests.lines import FilePath

AV_SUFFIXES = frozenset({".m4a", ".mp4", ".aac", ".webm"})
AV_STATES_DURATION = ("mov", "matroska")  # containers with a length field; of raw AAC, av only guesses it
AV_OPTIONS = {  # formats that are whole in themselves: a playlist named .m4a would open other files
    "format_whitelist": "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,aac,mp3,wav,flac,ogg",
    "protocol_whitelist": "file",
}
MP3_REACH = 16_384  # samples; an MP3 frame may draw on bits of the ten before it, of 1152 samples at most
MAX_FRAMES = 2**62  # libsndfile reports more where a file states no length


@dataclass(frozen=True, slots=True)
class AudioHeader:
    """What a file says of itself.

    Attributes:
        sample_rate: in hertz.
        duration: in seconds.
        channels: how many.
    """

    sample_rate: int
    duration: float
    channels: int


def read_header(path: FilePath) -> AudioHeader:
    """Read a file's header without decoding its samples (raw AAC has no header: it is decoded).

    The duration is the one that the file states; that of an m4a or webm may differ from the decoded samples by
    a codec frame or two (0.1 s).

    Raises:
        AudioError: the file is missing, is not audio, or does not state its length.
    """
    file = require_file(path)
    if file.suffix.lower() in AV_SUFFIXES:
        return _read_header_av(file)
    with _open(file) as sound:
        return AudioHeader(sound.samplerate, sound.frames / sound.samplerate, sound.channels)


def decode(
    source: AudioSource, start: float = 0.0, duration: float | None = None
) -> tuple[npt.NDArray[np.float32], int]:
    """Decode a stretch of audio to mono, the mean of its channels, at its own rate.

    Args:
        source: a file, or the bytes of one (not m4a or webm).
        start: where to begin, in seconds, at least 0.
        duration: how much to read, in seconds; None, or more than there is: to the end.

    Returns:
        ``(waveform, sample_rate)``: float32 ``(samples,)``, full scale at ±1, and hertz.

    Raises:
        AudioError: the file is missing, is not audio, is empty in that stretch, longer than an hour, or holds
            samples that are not finite or far beyond full scale.
    """
    file = source if isinstance(source, AudioBytes) else require_file(source)
    if isinstance(file, Path) and file.suffix.lower() in AV_SUFFIXES:
        end = None if duration is None else start + duration
        waveform, sample_rate = _decode_av(file, end)
        first, count = _stretch(len(waveform), sample_rate, start, duration)
        waveform = waveform[first : first + count]
    else:
        waveform, sample_rate = _decode_soundfile(file, start, duration)
    require_samples(waveform, start, source)
    return waveform, sample_rate


def encode(path: FilePath, waveform: npt.NDArray[np.float32], sample_rate: int) -> None:
    """Write a mono waveform ``(samples,)`` in the format of the suffix (16-bit for .wav and .flac).

    Raises:
        StorageError: the file cannot be written, or its suffix names no format that can.
    """
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(Path(path), waveform, sample_rate)
    except (OSError, TypeError, ValueError, soundfile.SoundFileError) as error:
        raise StorageError(f"Cannot write {path}: {str(error).rstrip('.')}.") from None


def encode_bytes(
    waveform: npt.NDArray[np.float32],
    sample_rate: int,
    container: str,
    subtype: str,
    compression: float | None = None,
) -> bytes:
    """Return what a file of a mono waveform ``(samples,)``, within ±1, would hold.

    Args:
        waveform: float32.
        sample_rate: in hertz.
        container: as libsndfile names it: "WAV", "OGG", "MP3".
        subtype: likewise: "ULAW", "GSM610", "OPUS", "MPEG_LAYER_III".
        compression: of a lossy codec that has a choice: from 0, its best quality, to 1, its smallest size.
    """
    content = io.BytesIO()
    soundfile.write(
        content, waveform, sample_rate, format=container, subtype=subtype, compression_level=compression
    )
    return content.getvalue()


def _open(file: Path | AudioBytes) -> soundfile.SoundFile:
    # A name goes as bytes, for it need not be UTF-8.
    content = io.BytesIO(file.content) if isinstance(file, AudioBytes) else os.fsencode(file)
    try:
        sound = soundfile.SoundFile(content)
    except (OSError, soundfile.SoundFileError, TypeError):
        raise AudioError(f"{file} is not audio that can be decoded (WAV, FLAC, OGG/Opus, MP3).") from None
    if sound.frames > MAX_FRAMES:
        sound.close()
        raise AudioError(
            f"{file} does not state its length, as if written to a pipe; convert it to a file again."
        )
    return sound


def _decode_soundfile(
    file: Path | AudioBytes, start: float, duration: float | None
) -> tuple[npt.NDArray[np.float32], int]:
    with _open(file) as sound:
        rate = sound.samplerate
        first, count = _stretch(sound.frames, rate, start, duration)
        limit_length(count / rate, file)
        try:
            early = min(first, MP3_REACH) if sound.subtype.startswith("MPEG_LAYER") else 0
            sound.seek(first - early)
            samples = sound.read(early + count, dtype="float32", always_2d=True)[early:]
        except (OSError, RuntimeError, MemoryError, soundfile.SoundFileError) as error:
            raise AudioError(f"{file} breaks off while it is decoded: {str(error).rstrip('.')}.") from None
    return _mean(samples.T), rate


def _read_header_av(file: Path) -> AudioHeader:
    with _open_av(file) as (container, stream):
        rate, channels = int(stream.rate), int(stream.codec_context.channels)
        seconds = 0.0
        if container.format.name.startswith(AV_STATES_DURATION):
            if stream.duration:
                seconds = float(stream.duration * stream.time_base)
            elif container.duration:
                seconds = container.duration / 1_000_000
    if seconds <= 0:
        waveform, rate = _decode_av(file)
        seconds = len(waveform) / rate
    return AudioHeader(rate, seconds, channels)


def _decode_av(file: Path, end: float | None = None) -> tuple[npt.NDArray[np.float32], int]:
    """Decode from the beginning until at least ``end`` seconds: seeking is not exact in these formats."""
    parts: list[npt.NDArray[np.float32]] = []
    samples = 0
    with _open_av(file) as (container, stream):
        from av import AudioResampler

        rate = int(stream.rate)
        to_planes = AudioResampler(format="fltp", rate=rate)
        for frame in chain(container.decode(stream), [None]):  # None: what the resampler still holds
            # The mean is taken here: to float mono, av itself adds the channels at -3 dB each.
            for part in to_planes.resample(frame):
                parts.append(_mean(part.to_ndarray()))
                samples += len(parts[-1])
            limit_length(samples / rate, file)
            if end is not None and samples >= end * rate:
                break
    return (np.concatenate(parts) if parts else np.zeros(0, np.float32)), rate


@contextmanager
def _open_av(file: Path) -> Iterator[tuple[Any, Any]]:
    """Open a file's first audio stream as ``(container, stream)``; what av raises becomes an AudioError."""
    try:
        import av
    except ImportError:
        raise AudioError(
            f"{file}: {file.suffix} files need the 'av' package: pip install 'speakertrip[m4a]'."
        ) from None
    try:
        # "file:" keeps a colon in the name from being read as a protocol.
        with av.open(f"file:{file}", options=AV_OPTIONS, metadata_errors="replace") as container:
            stream = container.streams.audio[0]
            if stream.codec_context is None or not stream.rate:
                raise ValueError("a stream that cannot be decoded")
            yield container, stream
    except (av.FFmpegError, IndexError, OSError, ValueError):
        raise AudioError(f"{file} is not audio that can be decoded ({file.suffix}).") from None


def _mean(channels: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return the mean of ``(channels, samples)`` over the channels."""
    with np.errstate(over="ignore", invalid="ignore"):  # decode() refuses what is not finite
        return np.asarray(channels.mean(axis=0), np.float32)


def _stretch(frames: int, rate: int, start: float, duration: float | None) -> tuple[int, int]:
    """Return ``(first frame, how many)`` of a stretch in seconds, cut at the end of the file."""
    first = round(min(max(start, 0.0) * rate, frames))  # min before round: a product may overflow to infinity
    return first, frames - first if duration is None else round(min(duration * rate, frames - first))
