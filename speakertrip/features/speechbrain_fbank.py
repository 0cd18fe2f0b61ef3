"""The front end of SpeechBrain's speaker models, so that their weights see what they were trained on."""

import math

import torch
from torch import Tensor, nn

from speakertrip.audio import SAMPLE_RATE
from speakertrip.config import SpeechBrainFbankConfig
from speakertrip.features.log_mel import HOP, WINDOW

FLOOR, RANGE = 1e-10, 80.0  # of the power; decibels below an utterance's loudest value, where all else is cut


class SpeechBrainFbank(nn.Module):
    """Log-mel energies in decibels, with each utterance's mean over time removed.

    Numerically what ``speechbrain.lobes.features.Fbank`` and then ``InputNormalization(norm_type="sentence",
    std_norm=False)`` compute (speechbrain 1.0, ``processing/features.py``): Hamming window and transform of 25 ms, hop
    of 10 ms, zeros beyond both ends, triangles between mels that are equally spaced, each as wide as the step below it.

    Args:
        config: number of mels and the band, in hertz.

    Shape:
        - waveforms: ``(batch, samples)``, float, at 16 kHz, at least 1 sample
        - output: ``(batch, 1 + samples // 160, mels)``, float32, decibels

    Example:
        >>> SpeechBrainFbank(SpeechBrainFbankConfig(mels=24))(torch.randn(2, 16000)).shape
        torch.Size([2, 101, 24])
    """

    filters: Tensor

    def __init__(self, config: SpeechBrainFbankConfig) -> None:
        super().__init__()
        self.spectrum: nn.Module = _PowerSpectrum()
        self.register_buffer("filters", _filters(config), persistent=False)

    def forward(self, waveforms: Tensor) -> Tensor:
        """Compute the features of a batch of waveforms of equal length."""
        with torch.autocast(waveforms.device.type, enabled=False):
            power: Tensor = self.spectrum(waveforms.float())
            decibels = 10 * torch.log10((power.transpose(1, 2) @ self.filters).clamp_min(FLOOR))
            features = torch.maximum(decibels, decibels.amax(dim=(1, 2), keepdim=True) - RANGE)
            return features - features.mean(dim=1, keepdim=True)


class _PowerSpectrum(nn.Module):
    """Waveforms ``(batch, samples)`` to ``(batch, frequencies, frames)``."""

    window: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("window", torch.hamming_window(WINDOW), persistent=False)

    def forward(self, waveforms: Tensor) -> Tensor:
        spectrum = torch.stft(
            waveforms, WINDOW, HOP, WINDOW, self.window, pad_mode="constant", return_complex=True
        )
        return torch.view_as_real(spectrum).square().sum(-1)


def _filters(config: SpeechBrainFbankConfig) -> Tensor:
    """Return ``(frequencies, mels)``."""
    ends = [2595 * math.log10(1 + hertz / 700) for hertz in (config.f_min, config.f_max)]
    hertz = 700 * (10 ** (torch.linspace(ends[0], ends[1], config.mels + 2) / 2595) - 1)
    band, centre = (hertz[1:] - hertz[:-1])[:-1], hertz[1:-1]
    slope = (torch.linspace(0, SAMPLE_RATE // 2, WINDOW // 2 + 1)[:, None] - centre) / band
    return torch.minimum(slope + 1, 1 - slope).clamp_min(0)
