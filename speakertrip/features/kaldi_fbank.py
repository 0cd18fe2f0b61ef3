"""Kaldi's filter bank, the front end of WeSpeaker's models."""

import math

import torch
from torch import Tensor, nn

from speakertrip.audio import SAMPLE_RATE
from speakertrip.config import KaldiFbankConfig
from speakertrip.features.log_mel import FFT, HOP, WINDOW

FULL_SCALE = 32768  # samples are those of 16 bits
EMPHASIS = 0.97
LOWEST = 20.0  # hertz
FLOOR = torch.finfo(torch.float32).eps  # of the energy


class KaldiFbank(nn.Module):
    """Log-mel energies as Kaldi computes them, with each utterance's mean over time removed.

    Numerically what ``torchaudio.compliance.kaldi.fbank`` computes of samples of 16 bits with ``dither=0``, and the
    mean removed: only whole windows, of 25 ms every 10 ms; from each its mean is taken, then pre-emphasis of 0.97 and
    the window; 512 frequencies; triangles of equal width in mels from 20 Hz to 8 kHz. Hamming's window is WeSpeaker's,
    Povey's (a Hann window to the power of 0.85) is Kaldi's own.

    Args:
        config: number of mels, and the window.

    Shape:
        - waveforms: ``(batch, samples)``, float of full scale 1, at 16 kHz, at least 400 samples
        - output: ``(batch, 1 + (samples - 400) // 160, mels)``, float32, natural logarithm

    Example:
        >>> KaldiFbank(KaldiFbankConfig())(torch.randn(2, 16000)).shape
        torch.Size([2, 98, 80])
    """

    window: Tensor
    filters: Tensor

    def __init__(self, config: KaldiFbankConfig) -> None:
        super().__init__()
        hamming = config.window == "hamming"
        window = (
            torch.hamming_window(WINDOW, periodic=False)
            if hamming
            else torch.hann_window(WINDOW, periodic=False).pow(0.85)
        )
        self.register_buffer("window", window, persistent=False)
        self.register_buffer("filters", _filters(config.mels), persistent=False)

    def forward(self, waveforms: Tensor) -> Tensor:
        """Compute the features of a batch of waveforms of equal length."""
        with torch.autocast(waveforms.device.type, enabled=False):
            frames = (waveforms.float() * FULL_SCALE).unfold(1, WINDOW, HOP)
            frames = frames - frames.mean(dim=2, keepdim=True)
            before = torch.cat([frames[..., :1], frames[..., :-1]], dim=2)
            power = torch.fft.rfft((frames - EMPHASIS * before) * self.window, FFT).abs().square()
            features = (power[..., : FFT // 2] @ self.filters).clamp_min(FLOOR).log()
            centred: Tensor = features - features.mean(dim=1, keepdim=True)
            return centred


def _filters(mels: int) -> Tensor:
    """Return ``(frequencies, mels)``; the highest frequency is in none of them."""

    def mel(hertz: Tensor) -> Tensor:
        return 1127 * torch.log1p(hertz / 700)

    lowest, highest = (1127 * math.log1p(hertz / 700) for hertz in (LOWEST, SAMPLE_RATE / 2))
    step = (highest - lowest) / (mels + 1)
    place = (mel(torch.arange(FFT // 2) * (SAMPLE_RATE / FFT))[:, None] - lowest) / step - torch.arange(mels)
    filters: Tensor = torch.minimum(place, 2 - place).clamp_min(0)
    return filters
