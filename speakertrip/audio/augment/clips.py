"""Recordings that augmentation draws from: noise, music, voices, room responses."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

import numpy as np

from speakertrip.audio.augment.effect import Waveform
from speakertrip.audio.codec import AUDIO_SUFFIXES, read_header
from speakertrip.audio.utterance import audio_of
from speakertrip.audio.waveform import SAMPLE_RATE, load_waveform
from speakertrip.errors import DataError
from speakertrip.manifests import Utterance, read_manifest
from speakertrip.manifests.lines import FilePath, read_lines

TAIL = 0.25  # seconds at the end of a clip that are decoded first, so that a file that breaks off is found
SAMPLE_BYTES = 4
NOBODY = "unknown"  # the speaker of a clip that comes without a manifest


class ClipSource(Protocol):
    """Random access to the samples of clips, at 16 kHz."""

    @property
    def lengths(self) -> Sequence[int]:
        """Samples of each clip."""
        ...

    def read(self, index: int, first: int, count: int) -> Waveform:
        """Return float32 ``(count,)`` of one clip, from sample ``first`` on (fewer where it ends)."""
        ...


class Clips:
    """Clips in files. The shortest are kept decoded once read, as many as fit; of the rest, stretches are read.

    Which ones are kept follows from their lengths alone, so that what is read does not depend on what was read before.

    Args:
        utterances: at least one; each is checked by its header and its end.
        memory: bytes that the kept clips may take.
        channel: which one is read, from 0; None: the mean of all.

    Raises:
        AudioError: a file is missing, is not audio, or breaks off.

    Attributes:
        lengths: samples of each clip.
        names: the id of each.
        kept_bytes: what the kept clips take once all were read.
    """

    def __init__(self, utterances: Sequence[Utterance], memory: float, channel: int | None = None) -> None:
        self.utterances, self.channel = utterances, channel
        self.names = [utterance.id for utterance in utterances]
        with ThreadPoolExecutor(os.cpu_count()) as pool:  # decoders release the interpreter
            self.lengths = list(pool.map(self._check, utterances))
        order = np.argsort(self.lengths, kind="stable")
        sizes = SAMPLE_BYTES * np.cumsum(np.asarray(self.lengths)[order])
        fitting = int(np.searchsorted(sizes, memory, side="right"))
        self.kept_bytes = int(sizes[fitting - 1]) if fitting else 0
        self._keep = frozenset(order[:fitting].tolist())
        self._kept: dict[int, Waveform] = {}

    def read(self, index: int, first: int, count: int) -> Waveform:
        """See ``ClipSource``."""
        if index not in self._keep:
            return self._load(index, first, min(count, self.lengths[index] - first))
        if index not in self._kept:
            self._kept[index] = self._load(index, 0, self.lengths[index])
        return self._kept[index][first : first + count]

    def _check(self, utterance: Utterance) -> int:
        audio, seconds = audio_of(utterance), utterance.duration
        if seconds is None:
            seconds = read_header(audio).duration - utterance.start
        load_waveform(audio, utterance.start + max(0.0, seconds - TAIL), TAIL, channel=self.channel)
        return max(1, round(seconds * SAMPLE_RATE))

    def _load(self, index: int, first: int, count: int) -> Waveform:
        utterance = self.utterances[index]
        start = utterance.start + first / SAMPLE_RATE
        return load_waveform(audio_of(utterance), start, count / SAMPLE_RATE, channel=self.channel)[:count]


def draw_stretch(source: ClipSource, samples: int, rng: np.random.Generator) -> tuple[int, Waveform]:
    """Draw a clip, each with the same probability, and a stretch of it; a shorter clip repeats.

    Returns:
        The clip's index and float32 ``(samples,)``.
    """
    index = int(rng.integers(len(source.lengths)))
    first = int(rng.integers(max(1, source.lengths[index] - samples + 1)))
    stretch = source.read(index, first, samples)
    return index, stretch if len(stretch) == samples else np.resize(stretch, samples)


def list_clips(path: FilePath) -> list[Utterance]:
    """List the clips that a path names.

    Args:
        path: a manifest (``.jsonl``); a folder, of which all audio files are taken, as ``musan/noise``; or a text
            file with the path of one clip at the end of each line, as the ``rir_list`` of RIRS_NOISES, relative
            to the folder of the list or to one above it.

    Raises:
        DataError: the path cannot be read, or names no clip.
    """
    place = Path(path)
    if place.is_dir():
        files = sorted(Path(folder, name) for folder, _, names in os.walk(place) for name in names)
        clips = [
            Utterance(file.relative_to(place).as_posix(), file, NOBODY)
            for file in files
            if file.suffix.lower() in AUDIO_SUFFIXES and not file.name.startswith(".")
        ]
    elif place.suffix == ".jsonl":
        clips = read_manifest(place)
    else:
        names = [
            text.split("\t" if "\t" in text else None)[-1].strip() for _, text in read_lines(place, "list")
        ]
        clips = [Utterance(name, _resolve(name, place), NOBODY) for name in names]
    if not clips:
        raise DataError(f"{path} holds no audio ({', '.join(sorted(AUDIO_SUFFIXES))}).")
    return clips


def _resolve(name: str, list_file: Path) -> Path:
    folders = list_file.absolute().parents
    return next((folder / name for folder in folders if (folder / name).is_file()), folders[0] / name)
