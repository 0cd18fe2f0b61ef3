"""What the tests of several decoders share."""

import io
from contextlib import suppress
from pathlib import Path

import numpy as np

from speakertrip.audio import decode, read_header
from speakertrip.errors import AudioError

RATE = 16_000


class Counted(io.BytesIO):
    """Bytes that count how many are read."""

    count = 0

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        self.count += len(data)
        return data


def sine(seconds: float = 1.0, hertz: float = 440.0, rate: int = RATE) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def noise(seconds: float, rate: int = RATE) -> np.ndarray:
    """Return noise below a few kilohertz, so that no two codec frames are alike."""
    samples = np.random.default_rng(0).standard_normal(round(seconds * rate))
    return np.convolve(samples, np.hanning(16) / 30, "same").astype(np.float32).clip(-0.9, 0.9)


def only_audio_errors(path: Path) -> None:
    """Read a file of any content: it decodes to finite samples, or an AudioError says why not."""
    with suppress(AudioError):
        read_header(path)
    with suppress(AudioError):
        waveform, rate = decode(path)
        assert waveform.dtype == np.float32
        assert waveform.ndim == 1
        assert len(waveform) > 0
        assert np.isfinite(waveform).all()
        assert rate > 0
