"""Where crops come from: memory where the corpus fits, else the files, read by offset."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from os import cpu_count
from typing import Protocol

import numpy as np
import numpy.typing as npt

from speakertrip.audio import SAMPLE_RATE, audio_of, load_utterance, read_header
from speakertrip.manifests import Utterance

FloatArray = npt.NDArray[np.float32]
FULL_SCALE = 32_768  # 16-bit files come back exactly as they are decoded
BYTES_PER_SAMPLE = 2
LOUD = 2.0  # a peak above this is no overshoot of a lossy codec
QUIET = 2.0**-9  # a peak below this leaves fewer than 7 bits


class Source(Protocol):
    """Random access to the samples of utterances, at 16 kHz."""

    @property
    def lengths(self) -> Sequence[int]:
        """Samples of each utterance."""
        ...

    def read(self, index: int, first: int, count: int) -> FloatArray:
        """Return float32 ``(count,)`` of one utterance, from sample ``first`` on (fewer where it ends)."""
        ...


SourceOpener = Callable[[Sequence[Utterance], float, Callable[[int], None]], Source]  # as open_source is


class LaterSource:
    """A source that is opened when whatever can be refused without its audio has been.

    Attributes:
        opened: what is read, once it is there.
    """

    opened: Source

    @property
    def lengths(self) -> Sequence[int]:
        """See ``Source``."""
        return self.opened.lengths

    def read(self, index: int, first: int, count: int) -> FloatArray:
        """See ``Source``."""
        return self.opened.read(index, first, count)


def open_source(
    utterances: Sequence[Utterance], memory_gib: float, progress: Callable[[int], None] = lambda done: None
) -> Source:
    """Decode everything into memory if it fits, else serve from the files.

    Args:
        utterances: of a manifest; those without a duration have their file's header read.
        memory_gib: how much memory the decoded audio may take, in GiB.
        progress: called with the number of utterances decoded since the last call.

    Raises:
        AudioError: audio is missing or cannot be decoded.
    """
    with ThreadPoolExecutor(cpu_count()) as pool:  # decoders release the interpreter
        lengths = list(pool.map(_length, utterances))
        if sum(lengths) * BYTES_PER_SAMPLE > memory_gib * 2**30:
            return FileSource(utterances, lengths)
        waveforms, scales = [], []
        for waveform, scale in pool.map(_decode, utterances, lengths):
            waveforms.append(waveform)
            scales.append(scale)
            progress(1)
    return MemorySource(waveforms, scales)


class MemorySource:
    """Utterances in memory.

    Args:
        waveforms: 16-bit samples of each.
        scales: what a sample of 1 stands for in each.
    """

    def __init__(self, waveforms: Sequence[npt.NDArray[np.int16]], scales: Sequence[float]) -> None:
        self.waveforms, self.scales = waveforms, scales
        self.lengths = [len(waveform) for waveform in waveforms]

    def read(self, index: int, first: int, count: int) -> FloatArray:
        """See ``Source``."""
        samples = self.waveforms[index][first : first + count]
        return np.asarray(samples * np.float32(self.scales[index]), np.float32)


class FileSource:
    """Utterances read from their files at each access."""

    def __init__(self, utterances: Sequence[Utterance], lengths: Sequence[int]) -> None:
        self.utterances = utterances
        self.lengths = lengths

    def read(self, index: int, first: int, count: int) -> FloatArray:
        """See ``Source``."""
        utterance = self.utterances[index]
        count = min(count, self.lengths[index] - first)  # what follows in the file is another utterance
        return load_utterance(utterance, first / SAMPLE_RATE, count / SAMPLE_RATE)


def _length(utterance: Utterance) -> int:
    seconds = utterance.duration
    if seconds is None:
        seconds = read_header(audio_of(utterance)).duration - utterance.start
    return max(1, round(seconds * SAMPLE_RATE))


def _decode(utterance: Utterance, length: int) -> tuple[npt.NDArray[np.int16], float]:
    waveform = load_utterance(utterance, 0.0, length / SAMPLE_RATE)  # no more than a FileSource would read
    peak = float(np.abs(waveform).max())
    # Float files may hold unscaled samples, or lie so far below full scale that 16 bits would lose them.
    scale = (peak if peak > LOUD or 0 < peak < QUIET else 1.0) / FULL_SCALE
    return np.clip(np.rint(waveform / scale), -FULL_SCALE, FULL_SCALE - 1).astype(np.int16), scale
