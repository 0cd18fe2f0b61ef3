"""Crops of the training utterances, cut and augmented anew at each draw."""

from collections.abc import Sequence
from itertools import product
from os import PathLike

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import Dataset

from speakertrip.audio import SAMPLE_RATE, resample
from speakertrip.audio.augment import build_augmentation, require_pitch_shift, shift_pitch
from speakertrip.config import TrainConfig
from speakertrip.corpora.keys import value_of
from speakertrip.errors import ConfigError
from speakertrip.manifests import Utterance
from speakertrip.training.schedules import on_the_way
from speakertrip.training.source import Source

FloatArray = npt.NDArray[np.float32]


class CropDataset(Dataset[tuple[Tensor, int]]):
    """Random crops; each speed factor, and each shift of the pitch, makes a new speaker of each speaker.

    Row ``u * V + v`` is utterance u in the v-th of V voices: all pairs of a speed and a pitch. A crop is a function
    of (seed, draw) alone: the same whichever process makes it.

    Args:
        utterances: of the training speakers.
        source: of their samples.
        config: crop length, speeds, pitches, augmentation, seed.
        folder: that relative paths of an augmentation chain start from.

    Raises:
        ConfigError: no utterance has the key that batches are to be grouped by, or an extra is not installed.
        AudioError, DataError, StorageError: the files of an augmentation chain cannot be used.

    Attributes:
        labels: the speaker of each row, ``0 .. speakers-1``.
        speakers: how many.
        sessions: the session of each row.
        groups: the value of ``config.batch.group_by`` of each row; None where that is not set.
    """

    def __init__(
        self,
        utterances: Sequence[Utterance],
        source: Source,
        config: TrainConfig,
        folder: str | PathLike[str] = ".",
    ) -> None:
        self.source, self.config, self.utterances = source, config, utterances
        self.voices = list(product(config.data.speeds, config.data.pitches))
        if any(config.data.pitches):
            require_pitch_shift()
        self.augmentation = build_augmentation(config.augment, folder, config.seed, lambda: source)
        self.batch = config.batch.speakers * config.batch.utterances
        names = {name: i for i, name in enumerate(dict.fromkeys(u.speaker for u in utterances))}
        count = len(self.voices)
        self.labels = [names[u.speaker] * count + s for u in utterances for s in range(count)]
        self.speakers = len(names) * count
        self.sessions = [u.session for u in utterances for _ in range(count)]
        key = config.batch.group_by
        self.groups = [value_of(u, key) for u in utterances for _ in range(count)] if key else None
        if self.groups and not any(self.groups):
            raise ConfigError(
                f"batch.group_by: no utterance has the key {key!r}; name another, or none by ''."
            )

    def __len__(self) -> int:
        return len(self.labels)

    def samples(self, draw: int) -> int:
        """Return the length of a crop, by the number of its draw in the run: the same in a batch."""
        data, steps = self.config.data, self.config.optimizer.steps
        if data.final_crop_seconds is None:
            return round(data.crop_seconds * SAMPLE_RATE)
        step = 1 + draw // self.batch
        seconds = on_the_way(data.crop_seconds, data.final_crop_seconds, min(step, steps), steps)
        return round(10 * seconds) * SAMPLE_RATE // 10  # in tenths: encoders prepare anew for each length

    def utterance(self, row: int) -> Utterance:
        """Return what the crops of a row are cut from."""
        return self.utterances[row // len(self.voices)]

    def __getitem__(self, place: tuple[int, int]) -> tuple[Tensor, int]:
        """Return ``((samples,), label)`` of a ``(row, draw)`` pair of the sampler."""
        row, draw = place
        samples = self.samples(draw)
        utterance, voice = divmod(row, len(self.voices))
        speed, pitch = self.voices[voice]
        rng = np.random.default_rng([self.config.seed, draw])
        crop = shift_pitch(self._cut(utterance, samples, speed, rng), pitch)
        return torch.from_numpy(self.augmentation.transform(crop, rng)), self.labels[row]

    def _cut(self, utterance: int, samples: int, speed: float, rng: np.random.Generator) -> FloatArray:
        needed = int(np.ceil(samples * speed)) + 1
        first = int(rng.integers(0, max(1, self.source.lengths[utterance] - needed + 1)))
        # A little over: resampling rounds, and a header may promise a sample more than there is.
        crop = resample(self.source.read(utterance, first, needed), SAMPLE_RATE * speed, SAMPLE_RATE)
        if len(crop) < samples:  # a short utterance wraps, from a random place
            crop = np.resize(np.roll(crop, -int(rng.integers(len(crop)))), samples)
        return crop[:samples]
