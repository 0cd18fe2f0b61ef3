"""Times to sample positions and back, so that the reader at the other end begins and ends at the same sample.

An utterance begins at ``round(start * rate)`` and has ``round(duration * rate)`` samples, as
``speakertrip.audio.decode`` has it. Kaldi, NeMo and WeSpeaker cut the product off instead; a time that they would
take to another sample is moved by less than one.
"""

import math
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from speakertrip.audio import AudioHeader
from speakertrip.corpora.folder import Progress, try_headers
from speakertrip.errors import AudioError, DataError
from speakertrip.manifests import Utterance


@dataclass(frozen=True, slots=True)
class Stretch:
    """Where an utterance lies in its file.

    Attributes:
        first: its first sample, from 0.
        stop: the sample after its last.
        rate: of the file, in hertz.
        whole: whether it is the whole file, as far as is known.
    """

    first: int
    stop: int
    rate: int
    whole: bool

    @property
    def start(self) -> float:
        """Seconds of the first sample."""
        return sample_time(self.first, self.rate)

    @property
    def end(self) -> float:
        """Seconds of the sample after the last."""
        return sample_time(self.stop, self.rate)

    @property
    def duration(self) -> float:
        """Seconds between the two."""
        return sample_time(self.stop - self.first, self.rate)


def sample_time(sample: int, rate: int) -> float:
    """Return the time of a sample, in seconds, that both rounding and cutting off take back to it.

    >>> sample_time(8000, 16000)
    0.5
    >>> int(15 / 44100 * 44100), int(sample_time(15, 44100) * 44100)
    (14, 15)
    """
    seconds = sample / rate
    return seconds if int(seconds * rate) == sample else math.nextafter(seconds, math.inf)


def keep_time(seconds: float, rate: int) -> float:
    """Return a time as it is where both rules take it to one sample, else that of the sample by rounding.

    >>> keep_time(0.1, 16000), keep_time(0.12345, 16000), keep_time(0.123456, 16000)
    (0.1, 0.12345, 0.123456)
    >>> keep_time(0.1234999, 16000)  # 1975.9984 samples
    0.1235
    """
    sample = round(seconds * rate)
    return seconds if int(seconds * rate) == sample else sample_time(sample, rate)


def exact_times(utterance: Utterance, stretch: Stretch) -> tuple[float, float]:
    """Return the start and the duration of an utterance, in seconds, as ``keep_time`` has them."""
    return keep_time(utterance.start, stretch.rate), keep_time(
        stated_duration(utterance, stretch), stretch.rate
    )


def stated_duration(utterance: Utterance, stretch: Stretch) -> float:
    """Return the duration that an utterance states, in seconds, where its file holds as much, else what it holds."""
    stated = utterance.duration
    fits = stated is not None and round(stated * stretch.rate) == stretch.stop - stretch.first
    return stated if stated is not None and fits else stretch.duration


def duration_between(start: float, end: float, rate: int | None, stated: float | None = None) -> float:
    """Return the duration, in seconds, of a stretch between two times.

    Args:
        start: in seconds.
        end: in seconds.
        rate: in hertz; None: unknown, and the difference is taken as of decimal numbers.
        stated: a duration that stands beside the two; it is kept where it has as many samples.

    >>> 1.1 - 0.8, duration_between(0.8, 1.1, None)
    (0.30000000000000004, 0.3)
    """
    if not rate:
        return float(Decimal(repr(end)) - Decimal(repr(start)))
    samples = round(end * rate) - round(start * rate)
    fits = stated is not None and round(stated * rate) == samples
    return stated if stated is not None and fits else samples / rate


def read_headers(paths: Iterable[Path], progress: Progress | None = None) -> dict[Path, AudioHeader]:
    """Read the header of each file once, several at a time.

    Args:
        paths: the files.
        progress: called with (files done, files in all).

    Raises:
        AudioError: one of them cannot be read.
    """
    unique = list(dict.fromkeys(paths))
    headers: dict[Path, AudioHeader] = {}
    with closing(try_headers(unique, progress)) as results:
        for path, header in zip(unique, results, strict=True):
            if isinstance(header, AudioError):
                raise header
            headers[path] = header
    return headers


def locate(utterance: Utterance, header: AudioHeader | None = None) -> Stretch:
    """Find the samples of an utterance.

    Args:
        utterance: of a manifest.
        header: of its file; may be absent where the utterance states its duration and sample rate.

    Raises:
        DataError: it begins at or after the end of the file, or is shorter than a sample.
    """
    rate = header.sample_rate if header else utterance.sample_rate
    if rate is None or (header is None and utterance.duration is None):
        raise ValueError("without a header, the utterance must state its duration and sample rate")
    frames = round(header.duration * rate) if header else None
    first = round(utterance.start * rate)
    stop = first + round(utterance.duration * rate) if utterance.duration is not None else frames or 0
    stop = min(stop, frames) if frames is not None else stop
    if stop <= first:
        raise DataError(
            f"The utterance {utterance.id!r} holds no samples of {utterance.path} from {utterance.start:g} s on; "
            "correct its start and duration."
        )
    return Stretch(first, stop, rate, whole=first == 0 and stop == frames)


def locate_all(utterances: Sequence[Utterance], progress: Progress | None = None) -> list[Stretch]:
    """Find the samples of utterances; headers are read where the manifest does not say enough.

    Raises:
        AudioError: a file cannot be read.
        DataError: as ``locate``.
    """
    needed = [each.path for each in utterances if each.duration is None or each.sample_rate is None]
    headers = read_headers(needed, progress)
    return [locate(utterance, headers.get(utterance.path)) for utterance in utterances]
