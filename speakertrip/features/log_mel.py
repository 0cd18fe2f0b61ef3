"""The log-mel front end."""

import warnings

import torch
import torchaudio
from torch import Tensor, nn

from speakertrip.audio import SAMPLE_RATE
from speakertrip.config import FeatureConfig
from speakertrip.errors import ConfigError

WINDOW = 400  # samples, 25 ms
HOP = 160  # samples, 10 ms
FFT = 512
FLOOR = 1e-6  # of the mel power of a signal of unit level, about 80 dB below speech


class LogMel(nn.Module):
    """Log-mel energies of level-normalised waveforms, with each utterance's mean over time removed.

    A waveform first loses its mean, the offset of a cheap sound card, and is divided by its root mean square, so that
    gain does not matter; removing the mean over time then removes any fixed linear channel. Hann window of 25 ms,
    hop of 10 ms, HTK mel scale.

    Rows of a batch do not influence each other; they must be of equal length (padding would change the mean).

    Args:
        config: number of mels and the band, in hertz.

    Raises:
        ConfigError: so many mels in so narrow a band that some would be empty.

    Shape:
        - waveforms: ``(batch, samples)``, float, at 16 kHz, at least 400 samples
        - output: ``(batch, 1 + samples // 160, mels)``, float32, natural logarithm

    Example:
        >>> LogMel(FeatureConfig())(torch.randn(2, 16000)).shape
        torch.Size([2, 101, 80])
    """

    def __init__(self, config: FeatureConfig) -> None:
        super().__init__()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of empty filters, which are refused below
            self.mel = torchaudio.transforms.MelSpectrogram(
                sample_rate=SAMPLE_RATE,
                n_fft=FFT,
                win_length=WINDOW,
                hop_length=HOP,
                f_min=config.f_min,
                f_max=config.f_max,
                n_mels=config.mels,
            )
        if not self.mel.mel_scale.fb.any(dim=0).all():
            raise ConfigError(
                f"features: {config.mels} mels from {config.f_min:g} to {config.f_max:g} Hz leave filters without "
                "a frequency; take fewer, or a wider band."
            )

    def forward(self, waveforms: Tensor) -> Tensor:
        """Compute the features of a batch of waveforms of equal length."""
        with torch.autocast(waveforms.device.type, enabled=False):  # powers of speech overflow half precision
            waveforms = waveforms.float()
            waveforms = waveforms - waveforms.mean(dim=1, keepdim=True)
            level = waveforms.square().mean(dim=1, keepdim=True).sqrt()
            energies: Tensor = self.mel(waveforms / level.clamp_min(1e-8))
            features = torch.log(energies + FLOOR).transpose(1, 2)
            return features - features.mean(dim=1, keepdim=True)
