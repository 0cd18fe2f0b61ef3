"""Augmentation: effects that change a waveform and keep its length, declared in the configuration."""

from speakertrip.audio.augment.build import build_augmentation
from speakertrip.audio.augment.chain import Chain
from speakertrip.audio.augment.clips import Clips, ClipSource, list_clips
from speakertrip.audio.augment.effect import Effect, Note, Waveform
from speakertrip.audio.augment.light import Light
from speakertrip.audio.augment.pitch import require_pitch_shift, shift_pitch
from speakertrip.audio.augment.preview import LISTING, find_earlier, preview

__all__ = [
    "LISTING",
    "Chain",
    "ClipSource",
    "Clips",
    "Effect",
    "Light",
    "Note",
    "Waveform",
    "build_augmentation",
    "find_earlier",
    "list_clips",
    "preview",
    "require_pitch_shift",
    "shift_pitch",
]
