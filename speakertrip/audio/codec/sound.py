"""The side of libsndfile: WAV and its kin, AIFF, AU, FLAC, OGG (Vorbis, Opus), MP3."""

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from speakertrip.audio.codec.mono import MonoBuffer
from speakertrip.audio.codec.stretch import AudioHeader, Stretch
from speakertrip.audio.limits import limit_format, limit_length
from speakertrip.audio.streams import GuardedStream
from speakertrip.errors import AudioError, StorageError, TruncatedError
from speakertrip.manifests.lines import FilePath, replacing

MP3_REACH = 16_384  # samples; an MP3 frame may draw on bits of the ten before it, of 1152 samples at most
MAX_FRAMES = 2**62  # libsndfile reports more where a file states no length
UNSURE = 0.1  # seconds; by so much headers of MP3 are wrong that are not damaged
BLOCK_VALUES = 2**20  # over all channels: 4 MiB


def read_header(stream: io.FileIO | GuardedStream, name: str) -> AudioHeader:
    """Return what the header states.

    Raises:
        AudioError: it is damaged, states no length, or a rate that no speech has.
    """
    with _open(stream, name) as sound:
        return AudioHeader(sound.samplerate, sound.frames / sound.samplerate, sound.channels)


def decode(
    stream: io.FileIO | GuardedStream, stretch: Stretch, channel: int | None, name: str
) -> tuple[npt.NDArray[np.float32], int]:
    """Return ``(waveform, sample rate)`` of a stretch; what lies before it is not decoded.

    Raises:
        AudioError: it is damaged, too long, or has no such channel.
        TruncatedError: it breaks off before the stretch ends.
    """
    with _open(stream, name) as sound:
        rate, channels = sound.samplerate, sound.channels
        first, count = stretch.within(sound.frames, rate)
        limit_length(count, rate, channels, name)
        mono = MonoBuffer(channel, name)
        try:
            if first:
                _go_to(sound, first, name)
            for block in _blocks(sound, count):
                mono.add(block)
        except (OSError, RuntimeError, soundfile.SoundFileError) as error:
            raise TruncatedError(
                f"{name} breaks off while it is decoded: {str(error).rstrip('.')}."
            ) from None
    if count - mono.length > UNSURE * rate:
        stated, found = (first + count) / rate, (first + mono.length) / rate
        raise TruncatedError(
            f"{name} breaks off at {found:.2f} s of the {stated:.2f} s that it states; get it again."
        )
    return mono.finish(), rate


def _go_to(sound: soundfile.SoundFile, first: int, name: str) -> None:
    """Go to a frame by the way that is exact, and safe, in its codec."""
    if sound.subtype == "VORBIS":
        # Where its tables are damaged, libvorbis 1.3.7 reads nothing, but a seek ends the process.
        if not len(sound.read(1)):
            raise TruncatedError(f"{name} breaks off while it is decoded: its Vorbis tables are damaged.")
        sound.seek(0)  # a seek from elsewhere would arrive at the wrong sample
    passed = min(first, MP3_REACH) if sound.subtype.startswith("MPEG_LAYER") else 0
    if soundfile.SoundFile.seekable(sound):
        sound.seek(first - passed)
    else:  # GSM and G.72x
        passed = first
    for _ in _blocks(sound, passed):
        pass


def _blocks(sound: soundfile.SoundFile, count: int) -> Iterator[npt.NDArray[np.float32]]:
    """Yield the next frames, ``(frames, channels)`` at a time, fewer than ``count`` where the file breaks off."""
    most = BLOCK_VALUES // sound.channels
    while count and len(block := sound.read(min(count, most), dtype="float32", always_2d=True)):
        yield block
        count -= len(block)


def encode(path: FilePath, waveform: npt.NDArray[np.float32], sample_rate: int) -> None:
    """Write a mono waveform ``(samples,)`` in the format of the suffix (16-bit for .wav and .flac).

    Raises:
        StorageError: the file cannot be written, or its suffix names no format that can.
    """
    content = io.BytesIO()  # what libsndfile says of a file that cannot be written is no help
    try:
        soundfile.write(content, waveform, sample_rate, format=Path(path).suffix[1:])
    except (TypeError, ValueError, soundfile.SoundFileError) as error:
        raise StorageError(f"Cannot write {path}: {str(error).rstrip('.')}.") from None
    with replacing(path) as temporary:
        temporary.write_bytes(content.getbuffer())


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


class _Forward(soundfile.SoundFile):  # type: ignore[misc]
    """A file that is read on and on: after each read a SoundFile seeks to where it is, and MP3 would start afresh."""

    def seekable(self) -> bool:
        """Say no, so that nothing seeks unasked."""
        return False


@contextmanager
def _open(stream: io.FileIO | GuardedStream, name: str) -> Iterator[soundfile.SoundFile]:
    # By its number, a file is read without the interpreter (Windows has numbers of its own in each library). Never
    # by its name, whose suffix would make libsndfile take any content for raw samples.
    file = stream.fileno() if isinstance(stream, io.FileIO) and os.name == "posix" else stream
    try:
        sound = _Forward(file, closefd=False)
    except (OSError, soundfile.SoundFileError, TypeError):
        raise AudioError(
            f"{name} is not audio that can be decoded: its header is damaged, or its kind unknown."
        ) from None
    with sound:
        if sound.frames > MAX_FRAMES:
            raise AudioError(
                f"{name} does not state its length, as if written to a pipe; convert it to a file again."
            )
        limit_format(sound.samplerate, sound.channels, name)
        yield sound
