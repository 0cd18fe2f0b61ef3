"""Options of the augmentation: light by default, or a chain of effects of your own."""

from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, Field, model_validator

from speakertrip.config.frozen import Decibels, FileName, Frozen, Probability, ordered

DecibelRange = Annotated[tuple[Decibels, Decibels], AfterValidator(ordered)]
Hertz = Annotated[float, Field(ge=0, le=8000)]
HertzRange = Annotated[tuple[Hertz, Hertz], AfterValidator(ordered)]
Metres = Annotated[float, Field(ge=0.1, le=100)]
Seconds = Annotated[float, Field(ge=0.05, le=3)]
Share = Annotated[float, Field(ge=0, le=1)]


class EffectConfig(Frozen):
    """What the effects of a chain share."""

    probability: Probability = 1.0


class NoiseConfig(EffectConfig):
    """Noise or music from files; without a manifest, coloured noise, from white to brown."""

    kind: Literal["noise"]
    manifest: FileName | None = None  # a manifest, a list of files, or a folder of them; below --data
    snr_db: DecibelRange = (5.0, 25.0)


class BabbleConfig(EffectConfig):
    """Several voices at once, equally loud; without a manifest, those of the training utterances."""

    kind: Literal["babble"]
    manifest: FileName | None = None
    voices: Annotated[tuple[int, int], AfterValidator(ordered)] = (3, 7)  # fewest, most
    snr_db: DecibelRange = (13.0, 20.0)

    @model_validator(mode="after")
    def _countable(self) -> "BabbleConfig":
        if not 1 <= self.voices[0] <= self.voices[1] <= 32:
            raise ValueError("voices must lie between 1 and 32")
        return self


class ReverbConfig(EffectConfig):
    """Reverberation by measured room responses."""

    kind: Literal["reverb"]
    manifest: FileName  # as of noise; a list may have the file last on its lines, as Kaldi's rir_list


class RoomConfig(EffectConfig):
    """Reverberation by computed responses of rectangular rooms (image method; the extra ``augment``)."""

    kind: Literal["room"]
    count: int = Field(100, ge=1, le=10_000)  # rooms, made before training begins
    reverberation: Annotated[tuple[Seconds, Seconds], AfterValidator(ordered)] = (0.1, 0.5)  # to -60 dB
    size: Annotated[tuple[Metres, Metres], AfterValidator(ordered)] = (3.0, 8.0)  # sides of the floor
    distance: Annotated[tuple[Metres, Metres], AfterValidator(ordered)] = (0.3, 3.0)  # speaker to microphone
    reflections: int = Field(25, ge=1, le=100)  # computed along a path, at most; time grows with their cube
    cache: FileName | None = None  # a folder, below --data, that keeps the responses for the next run

    @model_validator(mode="after")
    def _roomy(self) -> "RoomConfig":
        if self.size[0] < 1.5:
            raise ValueError("size must be 1.5 m or more")
        return self


class CodecConfig(EffectConfig):
    """A lossy codec, there and back."""

    kind: Literal["codec"]
    codecs: tuple[Literal["opus", "mp3"], ...] = Field(("opus", "mp3"), min_length=1)
    compression: Annotated[tuple[Share, Share], AfterValidator(ordered)] = (0.5, 1.0)  # 1: smallest


class TelephoneConfig(EffectConfig):
    """A telephone line: 300 to 3400 Hz, 8 kHz, and its codec."""

    kind: Literal["telephone"]
    codecs: tuple[Literal["mulaw", "alaw", "gsm"], ...] = Field(("mulaw", "alaw", "gsm"), min_length=1)


class BandConfig(EffectConfig):
    """A narrower band, each end drawn from its range; a low end of 0 or a high end of 8000 cuts nothing."""

    kind: Literal["band"]
    low: HertzRange = (0.0, 300.0)  # hertz
    high: HertzRange = (3400.0, 8000.0)  # hertz

    @model_validator(mode="after")
    def _open(self) -> "BandConfig":
        if self.low[1] >= self.high[0]:
            raise ValueError("low must lie below high")
        return self


class EqualizeConfig(EffectConfig):
    """A smooth random curve over the spectrum."""

    kind: Literal["equalize"]
    largest_db: float = Field(10.0, ge=0, le=60)  # gain or loss


class GainConfig(EffectConfig):
    """Another level; beyond full scale nothing is cut."""

    kind: Literal["gain"]
    db: DecibelRange = (-15.0, 5.0)


Effects = (
    NoiseConfig
    | BabbleConfig
    | ReverbConfig
    | RoomConfig
    | CodecConfig
    | TelephoneConfig
    | BandConfig
    | EqualizeConfig
    | GainConfig
)
EFFECT_KINDS = tuple(get_args(each.model_fields["kind"].annotation)[0] for each in get_args(Effects))
LIGHT_KEYS = ("equalize_probability", "equalize_db", "noise_probability", "noise_snr_db")


class AugmentConfig(Frozen):
    """Augmentation of each crop: light by its own keys, or a chain; every probability at 0 turns it off."""

    equalize_probability: Probability = 0.5
    equalize_db: float = Field(10.0, ge=0, le=60)  # largest gain or loss of the random curve
    noise_probability: Probability = 0.6
    noise_snr_db: DecibelRange = (5.0, 25.0)
    mask_probability: Probability = 0.5  # SpecAugment on the log-mel
    mask_frames: int = Field(20, ge=0, le=6000)  # longest masked stretch of time, in frames of 10 ms
    mask_mels: int = Field(10, ge=0, le=256)  # widest masked band
    chain: tuple[Annotated[Effects, Field(discriminator="kind")], ...] = ()  # in place of equalize_, noise_
    memory_mib: float = Field(
        256.0, ge=0, le=1e9
    )  # of clips that a chain keeps decoded, in each process that loads

    @model_validator(mode="after")
    def _consistent(self) -> "AugmentConfig":
        # By value: a configuration that was written out holds every key.
        fields = type(self).model_fields
        set_too = [key for key in LIGHT_KEYS if getattr(self, key) != fields[key].default]
        if self.chain and set_too:
            raise ValueError(
                f"a chain takes the place of {', '.join(set_too)}: leave out the one or the other"
            )
        return self
