"""From the options of an augmentation to the effect that does it."""

from collections.abc import Callable
from os import PathLike
from pathlib import Path

from speakertrip.audio.augment.babble import Babble
from speakertrip.audio.augment.band import Band
from speakertrip.audio.augment.chain import Chain
from speakertrip.audio.augment.clips import Clips, ClipSource, list_clips
from speakertrip.audio.augment.effect import Effect
from speakertrip.audio.augment.level import Equalize, Gain
from speakertrip.audio.augment.light import Light
from speakertrip.audio.augment.noise import ColouredNoise, RecordedNoise
from speakertrip.audio.augment.reverberation import Reverb
from speakertrip.audio.augment.rooms import Room, room_responses
from speakertrip.audio.augment.transcoding import FileCodec, Telephone
from speakertrip.config import AugmentConfig
from speakertrip.config.augment import (
    BabbleConfig,
    BandConfig,
    CodecConfig,
    Effects,
    EqualizeConfig,
    GainConfig,
    NoiseConfig,
    ReverbConfig,
    RoomConfig,
)
from speakertrip.errors import SpeakertripError

MIB = 2**20


def build_augmentation(
    config: AugmentConfig, folder: str | PathLike[str], seed: int, voices: Callable[[], ClipSource]
) -> Effect:
    """Make the augmentation that a configuration describes; what it needs is checked and made here.

    Args:
        config: light augmentation, or a chain.
        folder: that relative paths of a chain start from.
        seed: of computed rooms.
        voices: returns the utterances that babble without a manifest is made of.

    Raises:
        AudioError: a clip is missing, is not audio, or breaks off; the message names it and the effect.
        DataError: a manifest or a list cannot be read, or a folder holds no audio.
        ConfigError: an effect needs an extra that is not installed.
        StorageError: computed rooms cannot be kept where they should.
    """
    if not config.chain:
        return Light(config)
    builder = _Builder(Path(folder), seed, voices, config.memory_mib * MIB)
    return Chain([builder.link(index, each) for index, each in enumerate(config.chain)])


class _Builder:
    """Makes one effect after the other; they share a bound on memory, which the first ones fill first."""

    def __init__(self, folder: Path, seed: int, voices: Callable[[], ClipSource], memory: float) -> None:
        self.folder, self.seed, self.voices, self.memory = folder, seed, voices, memory

    def link(self, index: int, config: Effects) -> tuple[float, Effect]:
        try:
            return config.probability, self._effect(config)
        except SpeakertripError as error:
            raise type(error)(f"augment.chain.{index} ({config.kind}): {error}") from None

    def _effect(self, config: Effects) -> Effect:
        if isinstance(config, NoiseConfig):
            return (
                RecordedNoise(config, self._clips(config.manifest))
                if config.manifest
                else ColouredNoise(config)
            )
        if isinstance(config, BabbleConfig):
            return Babble(config, self._clips(config.manifest) if config.manifest else self.voices())
        if isinstance(config, ReverbConfig):
            return Reverb(self._clips(config.manifest, channel=0))  # the mean of an array's would be no room
        if isinstance(config, RoomConfig):
            cache = self.folder / config.cache if config.cache else None
            return Room(room_responses(config, self.seed, cache))
        if isinstance(config, CodecConfig):
            return FileCodec(config)
        if isinstance(config, BandConfig):
            return Band(config)
        if isinstance(config, EqualizeConfig):
            return Equalize(config)
        if isinstance(config, GainConfig):
            return Gain(config)
        return Telephone(config)

    def _clips(self, manifest: str, channel: int | None = None) -> Clips:
        clips = Clips(list_clips(self.folder / manifest), self.memory, channel)
        self.memory -= clips.kept_bytes
        return clips
