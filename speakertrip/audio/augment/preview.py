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
from speakertrip.manifests import read_manifest

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


def _voices(config: TrainConfig, folder: str | PathLike[str]) -> Clips:
    utterances = read_manifest(Path(folder) / config.data.manifest)
    return Clips(utterances[:: max(1, len(utterances) // VOICES)], config.augment.memory_mib * MIB)
