"""The side of FFmpeg's libraries, through av: m4a, webm, raw AAC."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt

from speakertrip.audio.codec.mono import MonoBuffer
from speakertrip.audio.codec.stretch import AudioHeader, Stretch
from speakertrip.audio.limits import limit_format, limit_length
from speakertrip.audio.streams import GuardedStream
from speakertrip.errors import AudioError, TruncatedError

WITH_INDEX = ("mov", "matroska")  # containers with a length and with times; of raw AAC, av only guesses them
CODECS = frozenset({"aac", "alac", "flac", "mp3", "mp3float", "opus", "vorbis", "pcm_s16le", "pcm_s16be"})
OPTIONS = {  # FFmpeg reads hundreds of formats, playlists of other files among them: these are all that speech needs
    "format_whitelist": "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,aac",
    "protocol_whitelist": "",
    "codec_whitelist": ",".join(sorted(CODECS)),
}
UNSURE = 0.25  # seconds; by so much lengths are wrong in files that are not damaged
REACH = 0.25  # seconds; decoders that start afresh need up to 0.08 of them to come to the same samples
OPUS_STEP = 120  # samples at 48 kHz: every Opus frame lasts a multiple of it


def read_header(stream: io.FileIO | GuardedStream, name: str) -> AudioHeader:
    """Return what the container states; raw AAC, which states nothing, is decoded.

    Raises:
        AudioError: it is damaged, states a rate that no speech has, or av is not installed.
    """
    with _open(stream, name) as (opened, track):
        rate, channels = int(track.rate), int(track.codec_context.channels)
        seconds = _stated_seconds(opened, track)
    if seconds <= 0:
        stream.seek(0)
        waveform, rate = decode(stream, Stretch(), 0, name)
        seconds = len(waveform) / rate
    return AudioHeader(rate, seconds, channels)


def decode(
    stream: io.FileIO | GuardedStream, stretch: Stretch, channel: int | None, name: str
) -> tuple[npt.NDArray[np.float32], int]:
    """Return ``(waveform, sample rate)`` of a stretch; an m4a or webm with an index is read from near its start.

    Raises:
        AudioError: it is damaged, too long, has no such channel, or av is not installed.
        TruncatedError: it ends before the length that it states.
    """
    with _open(stream, name) as (opened, track):
        from av import AudioResampler

        rate = int(track.rate)
        end = stretch.end(rate)
        to_float = AudioResampler(format="flt", rate=rate)
        mono = MonoBuffer(channel, name)
        frames, begin = _frames_near(opened, track, stretch.start)
        place, decoded = begin, 0
        for frame in chain(frames, [None]):  # None: what the resampler still holds
            if frame is not None:
                limit_format(frame.sample_rate, frame.layout.nb_channels, name)
            for part in to_float.resample(frame):
                block = part.to_ndarray().reshape(part.samples, -1)
                decoded += len(block)
                limit_length(decoded, rate, block.shape[1], name)
                place += len(block)
                if place <= stretch.start * rate:
                    begin = place
                else:
                    mono.add(block)
            if place >= end:
                break
        else:
            stated = _stated_seconds(opened, track)
            if place / rate < stated - UNSURE:
                raise TruncatedError(
                    f"{name} breaks off at {place / rate:.2f} s of the {stated:.2f} s that it states; get it again."
                )
    waveform = mono.finish()
    first, count = stretch.within(place, rate)
    return waveform[first - begin : first - begin + count], rate


def _stated_seconds(opened: Any, track: Any) -> float:
    """Return the length that a container states; 0 where it states none."""
    if not opened.format.name.startswith(WITH_INDEX):
        return 0.0
    if track.duration:
        return float(track.duration * track.time_base)
    return float(opened.duration or 0) / 1_000_000


def _frames_near(opened: Any, track: Any, start: float) -> tuple[Iterator[Any], int]:
    """Return decoded frames from a little before ``start`` seconds on, and the place of the first in samples.

    Where there is no index to go by, they begin with the file.
    """
    import av

    frames = opened.decode(track)
    if start <= 2 * REACH or not opened.format.name.startswith(WITH_INDEX):
        return frames, 0
    try:
        clock = _Clock.start(next(frames), track)
        opened.seek(clock.time(start - REACH), stream=track, backward=True)
        first = next(frames := opened.decode(track))
        place = clock.place(first)
        if 0 < place <= start * clock.rate:
            return chain([first], frames), place
    except (av.FFmpegError, StopIteration, TypeError):  # TypeError: a frame without a time
        pass
    opened.seek(0, stream=track)
    return opened.decode(track), 0


@dataclass(frozen=True, slots=True)
class _Clock:
    """Times of a container as places in samples, counted from the first sample that it decodes to.

    Attributes:
        begin: time of the first frame, in ticks.
        first_samples: how long that frame is.
        tick: in seconds.
        rate: in hertz.
        step: samples; a frame lasts a multiple of it.
    """

    begin: int
    first_samples: int
    tick: float
    rate: int
    step: int

    @classmethod
    def start(cls, first: Any, track: Any) -> "_Clock":
        """Begin with the first frame of a track."""
        step = OPUS_STEP if track.codec_context.name == "opus" else 1
        return cls(first.pts, first.samples, float(track.time_base), int(track.rate), step)

    def time(self, seconds: float) -> int:
        """Return the time, in ticks, of a place in seconds."""
        return self.begin + int(seconds / self.tick)

    def place(self, frame: Any) -> int:
        """Return the place of a frame; Matroska rounds times to milliseconds, but Opus proceeds in larger steps."""
        after_first = float((frame.pts - self.begin) * self.tick * self.rate) - self.first_samples
        return self.first_samples + round(after_first / self.step) * self.step


@contextmanager
def _open(stream: io.FileIO | GuardedStream, name: str) -> Iterator[tuple[Any, Any]]:
    """Open the first audio track as ``(container, track)``; what av raises becomes an AudioError."""
    try:
        import av
    except ImportError:
        raise AudioError(
            f"{name} holds MP4, WebM or AAC audio, which needs the 'av' package: pip install 'speakertrip[m4a]'."
        ) from None
    try:
        with av.open(stream, options=OPTIONS, metadata_errors="replace") as opened:
            track = opened.streams.audio[0]
            if track.codec_context is None or track.codec_context.name not in CODECS or not track.rate:
                raise ValueError("a track that cannot be decoded")
            limit_format(int(track.rate), int(track.codec_context.channels), name)
            yield opened, track
    except (av.FFmpegError, IndexError, OSError, ValueError):
        raise AudioError(
            f"{name} is not audio that can be decoded: its MP4, WebM or AAC is damaged."
        ) from None
