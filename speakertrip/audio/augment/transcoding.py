"""Codecs there and back: lossy files, and telephone lines."""

from typing import Literal, TypeAlias

import numpy as np
from scipy import fft

from speakertrip.audio.augment.band import PAD, band_gains
from speakertrip.audio.augment.effect import Note, Waveform, fit, no_note, noted
from speakertrip.audio.codec import decode, encode_bytes
from speakertrip.audio.source import AudioBytes
from speakertrip.audio.waveform import SAMPLE_RATE
from speakertrip.config.augment import CodecConfig, TelephoneConfig

Codec: TypeAlias = Literal["opus", "mp3", "mulaw", "alaw", "gsm"]

FORMATS: dict[Codec, tuple[str, str]] = {  # container and subtype, as libsndfile names them
    "opus": ("OGG", "OPUS"),
    "mp3": ("MP3", "MPEG_LAYER_III"),
    "mulaw": ("WAV", "ULAW"),
    "alaw": ("WAV", "ALAW"),
    "gsm": ("WAV", "GSM610"),
}
# Samples; shorter waveforms are lengthened by silence, for some codecs fail at a frame or less.
SHORTEST = 1_600
MOST_COMPRESSION = 0.999  # MP3 refuses 1
TELEPHONE_RATE, TELEPHONE_LOW, TELEPHONE_HIGH = 8_000, 300.0, 3_400.0  # hertz


def transcode(
    waveform: Waveform, sample_rate: int, codec: Codec, compression: float | None = None
) -> Waveform:
    """Encode and decode in memory, without delay: libsndfile takes the codec's own delay off.

    Args:
        waveform: ``(samples,)``; beyond full scale, it is brought within and back.
        sample_rate: in hertz.
        codec: which.
        compression: of Opus and MP3: from 0, the best quality, to 1, the smallest size.

    Returns:
        float32 ``(samples,)``; the waveform itself where it is silent.
    """
    peak = float(np.abs(waveform).max())
    if not peak:
        return waveform
    scale = np.float32(max(1.0, peak))
    padded = fit(waveform, max(SHORTEST, len(waveform))) / scale
    if compression is not None:
        compression = min(compression, MOST_COMPRESSION)
    content = AudioBytes(encode_bytes(padded, sample_rate, *FORMATS[codec], compression), codec)
    return np.asarray(fit(decode(content)[0], len(waveform)) * scale)


def telephone(waveform: Waveform, codec: Literal["mulaw", "alaw", "gsm"]) -> Waveform:
    """Pass through a telephone line: 300 to 3400 Hz, sampled at 8 kHz, coded.

    Args:
        waveform: ``(samples,)`` at 16 kHz.
        codec: G.711 (mulaw, alaw) or GSM 06.10.

    Returns:
        float32 ``(samples,)`` at 16 kHz.
    """
    samples = len(waveform)
    points = fft.next_fast_len((samples + PAD) // 2 + 1, real=True)  # at 8 kHz: half the spectrum
    bins = points // 2 + 1
    spectrum = fft.rfft(waveform, 2 * points)
    spectrum *= band_gains(len(spectrum), TELEPHONE_LOW, TELEPHONE_HIGH)
    narrow = fft.irfft(spectrum[:bins], points)[: (samples + 1) // 2] / 2
    return np.asarray(
        2 * fft.irfft(fft.rfft(transcode(narrow, TELEPHONE_RATE, codec), points), 2 * points)[:samples]
    )


class FileCodec:
    """A drawn codec of files at a drawn compression.

    Args:
        config: the codecs, and the range of the compression.
    """

    def __init__(self, config: CodecConfig) -> None:
        self.config = config

    def transform(self, waveform: Waveform, rng: np.random.Generator, note: Note = no_note) -> Waveform:
        """See ``Effect``."""
        codec = self.config.codecs[rng.integers(len(self.config.codecs))]
        compression = rng.uniform(*self.config.compression)
        coded = transcode(waveform, SAMPLE_RATE, codec, compression)
        return noted(waveform, coded, note, f"{codec} at a compression of {compression:.2f}")


class Telephone:
    """A telephone line with a drawn codec.

    Args:
        config: the codecs.
    """

    def __init__(self, config: TelephoneConfig) -> None:
        self.config = config

    def transform(self, waveform: Waveform, rng: np.random.Generator, note: Note = no_note) -> Waveform:
        """See ``Effect``."""
        codec = self.config.codecs[rng.integers(len(self.config.codecs))]
        note(f"telephone line with {codec}")
        return telephone(waveform, codec)
