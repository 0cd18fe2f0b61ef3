"""On what occasion: microphone, room noise and level, how they are drawn, and a recording over them."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import fft

from speakertrip.audio import SAMPLE_RATE
from speakertrip.corpora.voices.frames import Floats


@dataclass(frozen=True, slots=True)
class Channel:
    """One session: microphone, room noise and level.

    Attributes:
        equalisation: coefficients in dB of a cosine series over the mel axis from 0 Hz to 8 kHz, without its
            constant; few of them make a smooth response, and each adds to one cepstral coefficient.
        noise_color: the noise power falls as 1 / frequency ** noise_color: 0 white, 1 pink, 2 brown.
        snr: power of the whole utterance over that of the noise, in dB.
        level: peak of the recording, full scale at 1.
    """

    equalisation: tuple[float, ...]
    noise_color: float
    snr: float
    level: float


def draw_channel(rng: np.random.Generator) -> Channel:
    """Draw a session: noise 25 to 45 dB below the speech, and a microphone of a few dB of coloration.

    >>> 0.3 <= draw_channel(np.random.default_rng(0)).level <= 0.9
    True
    """
    return Channel(
        equalisation=tuple((rng.normal(0, 1, 8) * 4.0 / np.sqrt(np.arange(1, 9))).tolist()),
        noise_color=float(rng.uniform(0.5, 2)),
        snr=float(rng.uniform(25, 45)),
        level=float(rng.uniform(0.3, 0.9)),
    )


def record(speech: Floats, channel: Channel, rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """Record speech, ``(samples,)`` at 16 kHz: equalise, add noise and set the level."""
    # 50 ms give the response room to ring.
    length = fft.next_fast_len(len(speech) + SAMPLE_RATE // 20, real=True)
    hertz = np.fft.rfftfreq(length, 1 / SAMPLE_RATE)
    position = np.log1p(hertz / 700) / np.log1p(SAMPLE_RATE / 2 / 700)
    order = np.arange(1, len(channel.equalisation) + 1)
    decibels = np.cos(np.pi * order * position[:, None]) @ np.array(channel.equalisation)
    # No microphone passes 0 Hz, and a floor keeps the coloured noise finite there.
    response = 10 ** (decibels / 20) * (hertz / np.hypot(hertz, 50))
    heard = fft.irfft(fft.rfft(speech, length) * response, length)[: len(speech)]
    spectrum = fft.rfft(rng.normal(size=length)) * np.maximum(hertz, 50) ** (-channel.noise_color / 2)
    noise = fft.irfft(spectrum, length)[: len(speech)]
    wanted = 10 ** (-channel.snr / 20) * math.sqrt(np.mean(heard**2))
    recording = heard + noise * (wanted / math.sqrt(np.mean(noise**2)))
    return np.asarray(recording * (channel.level / np.abs(recording).max()), dtype=np.float32)
