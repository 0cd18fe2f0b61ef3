"""Augmented copies of a file, to be listened to."""

from collections.abc import Iterator
from itertools import product
from os import PathLike
from pathlib import Path

import numpy as np

from speakertrip.audio.augment.build import MIB, build_augmentation
from speakertrip.audio.augment.clips import Clips
from speakertrip.audio.augment.effect import Waveform
from speakertrip.audio.augment.pitch import require_pitch_shift, shift_pitch
from speakertrip.audio.source import AudioSource
from speakertrip.audio.waveform import SAMPLE_RATE, load_waveform, resample
from speakertrip.config import TrainConfig
from speakertrip.errors import StorageError, UsageError
from speakertrip.manifests import read_manifest
from speakertrip.manifests.lines import FilePath, read_lines

LISTING = "augmentations.txt"  # a line for each copy: its name, a tab, and what was done
VOICES = 100  # training utterances that babble is made of here, where their files are not open already


def preview(
    config: TrainConfig, source: AudioSource, folder: str | PathLike[str], count: int, seed: int
) -> Iterator[tuple[Waveform, list[str]]]:
    """Augment a file as training would; its speeds and pitches take turns.

    Masks of the log-mel are left out: they cannot be heard.

    Args:
        config: of a training run.
        source: what to augment.
        folder: that the relative paths of the configuration start from.
        count: how many copies.
        seed: another one draws other effects.

    Yields:
        For each copy, float32 ``(samples,)`` at 16 kHz, and what was done to it, in order.

    Raises:
        AudioError, ConfigError, DataError, StorageError: see ``build_augmentation``.
    """
    waveform = load_waveform(source)
    voices = list(product(config.data.speeds, config.data.pitches))
    if any(config.data.pitches):
        require_pitch_shift()
    augmentation = build_augmentation(config.augment, folder, config.seed, lambda: _voices(config, folder))
    for index in range(count):
        speed, pitch = voices[index % len(voices)]
        done = [f"speed {speed:g}"] * (speed != 1) + [f"pitch {pitch:+g} semitones"] * (pitch != 0)
        voice = shift_pitch(resample(waveform, SAMPLE_RATE * speed, SAMPLE_RATE), pitch)
        yield augmentation.transform(voice, np.random.default_rng([seed, index]), done.append), done


def find_earlier(folder: FilePath) -> list[Path]:
    """Return the files of an earlier preview in a folder, the listing last; none where there is no such folder.

    Raises:
        UsageError: the folder holds something else.
        DataError: its listing cannot be read.
        StorageError: the folder cannot be read, or is a file.
    """
    try:
        files = sorted(Path(folder).iterdir())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StorageError(f"Cannot use the folder {folder}: {error.strerror}.") from None
    listing = Path(folder) / LISTING
    own = {LISTING}
    if listing in files:
        own |= {text.partition("\t")[0] for _, text in read_lines(listing, "listing of copies")}
    for file in files:
        if file.name not in own:
            raise UsageError(
                f"{folder} holds {file.name}, which is of no earlier preview; name another folder for the copies."
            )
    return sorted(files, key=listing.__eq__)


def _voices(config: TrainConfig, folder: str | PathLike[str]) -> Clips:
    utterances = read_manifest(Path(folder) / config.data.manifest)
    return Clips(utterances[:: max(1, len(utterances) // VOICES)], config.augment.memory_mib * MIB)
