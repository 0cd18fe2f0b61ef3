"""A model out of what an ONNX graph can hold: the same numbers, without Fourier transforms and masks."""

import copy
import math
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from speakertrip.bundle import SpeakerModel
from speakertrip.encoders.ecapa import Ecapa
from speakertrip.features import HOP, LogMel, SpeechBrainFbank


def traceable(model: SpeakerModel) -> SpeakerModel:
    """Return a copy of a model, on the CPU and in evaluation mode, that can be traced for any batch and length.

    Raises:
        ValueError: its front end is none that can.
    """
    copied = copy.deepcopy(model).cpu().eval()
    front_end = copied.log_mel
    if isinstance(front_end, LogMel):
        spectrogram = front_end.mel.spectrogram
        front_end.mel.spectrogram = PowerSpectrum(spectrogram.window, spectrogram.n_fft, "reflect")
    elif isinstance(front_end, SpeechBrainFbank):
        window = front_end.spectrum.get_buffer("window")
        front_end.spectrum = PowerSpectrum(window, len(window), "constant")
    else:
        raise ValueError(f"the front end {type(front_end).__name__} has no form in ONNX")
    if isinstance(copied.encoder, Ecapa):
        copied.encoder.model.asp = _whole_pooling(copied.encoder.model.asp)
    return copied


class PowerSpectrum(nn.Module):
    """The squared magnitude of ``torch.stft``, as one convolution with windowed cosines and sines.

    The transform of an ONNX graph is slow or missing in most runtimes; a product with its matrix is neither. Zeros that
    fill the window up to the transform are left out: they change the phase alone.

    Args:
        window: ``(samples,)``, of an even length.
        fft: length of the transform, at least that of the window.
        padding: what lies beyond both ends of the waveform.

    Shape:
        - waveforms: ``(batch, samples)``
        - output: ``(batch, fft // 2 + 1, 1 + samples // 160)``
    """

    kernel: Tensor

    def __init__(self, window: Tensor, fft: int, padding: Literal["reflect", "constant"]) -> None:
        super().__init__()
        self.padding, self.beyond, self.bins = padding, len(window) // 2, fft // 2 + 1
        angles = torch.outer(
            torch.arange(self.bins, dtype=torch.float64), torch.arange(len(window), dtype=torch.float64)
        ) * (2 * math.pi / fft)
        waves = torch.cat([angles.cos(), angles.sin()]) * window.double()
        self.register_buffer("kernel", waves.float().unsqueeze(1), persistent=False)

    def forward(self, waveforms: Tensor) -> Tensor:
        """Compute the power of a batch of waveforms of equal length."""
        padded = functional.pad(waveforms.unsqueeze(1), (self.beyond, self.beyond), self.padding)
        squares = functional.conv1d(padded, self.kernel, stride=HOP).square()
        return squares[:, : self.bins] + squares[:, self.bins :]


class WholePooling(nn.Module):
    """Attentive statistics pooling of speechbrain's ECAPA-TDNN over whole utterances.

    It leaves out the mask of padding, which a trace would keep as that of its example.

    Args:
        attention: from frames, their means and their deviations to what the softmax over time makes weights of.
        floor: of a variance.

    Shape:
        - frames: ``(batch, channels, frames)``
        - output: ``(batch, 2 * channels, 1)``, means and then deviations
    """

    def __init__(self, attention: nn.Module, floor: float) -> None:
        super().__init__()
        self.attention, self.floor = attention, floor

    def forward(self, frames: Tensor, lengths: None = None) -> Tensor:
        """Pool over time; ``lengths`` are those of no padding."""
        mean, deviation = self._statistics(frames, torch.ones_like(frames) / frames.shape[2])
        context = [each.unsqueeze(2).expand_as(frames) for each in (mean, deviation)]
        weights: Tensor = self.attention(torch.cat([frames, *context], dim=1)).softmax(dim=2)
        return torch.cat(self._statistics(frames, weights), dim=1).unsqueeze(2)

    def _statistics(self, frames: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
        mean = (weights * frames).sum(dim=2)
        variance = (weights * (frames - mean.unsqueeze(2)).square()).sum(dim=2)
        return mean, variance.clamp_min(self.floor).sqrt()


def _whole_pooling(pooling: Any) -> WholePooling:
    """Return the same of ``speechbrain.lobes.models.ECAPA_TDNN.AttentiveStatisticsPooling`` with global context."""
    return WholePooling(nn.Sequential(pooling.tdnn, pooling.tanh, pooling.conv), pooling.eps)
