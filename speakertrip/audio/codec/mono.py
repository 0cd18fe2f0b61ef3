"""Blocks of several channels to one waveform."""

from typing import Any

import numpy as np
import numpy.typing as npt

from speakertrip.errors import AudioError, counted

FloatArray = npt.NDArray[np.float32]
CANCELLED = 1e-3  # -30 dB: independent channels lose 10 log10(channels) dB in their mean, opposite ones all
JUDGED = 8_192  # samples that are judged at once, half a second at 16 kHz
MOST_LOST = 0.1  # share of the energy of the channels


class MonoBuffer:
    """Collects blocks as the mean of their channels, or as one channel.

    Memory grows with what is added, and not with what a header claims.

    Channels of opposite phase, as of a cable wired the wrong way round, cancel each other in their mean, and what was
    said is silently gone. So the mean is judged in stretches of 8,192 samples: it is lost where its energy lies 30 dB
    below that of the channels, and where that befalls more than a tenth of all energy, it is refused. No microphones
    that stand apart come near: of speech that reaches the second up to 1 ms later, or by another reverberation, the
    worst stretch loses 12 dB; with an artificial width four times as loud as the middle, and 50 ms behind it, a
    twentieth of the energy is lost. It is an error, not a warning, because a speaker would be enrolled from silence,
    and one channel can be named instead.

    Args:
        channel: which one, from 0; None: the mean.
        name: of the file, for messages.
    """

    def __init__(self, channel: int | None, name: str) -> None:
        self.channel, self.name = channel, name
        self.length = 0
        self._samples = np.empty(0, np.float32)
        self._judged = 0  # samples of the stretch that is being judged
        self._mean_energy = self._channel_energy = 0.0  # of that stretch
        self._energy = self._lost = 0.0  # of the channels, in all

    def add(self, block: npt.NDArray[Any]) -> None:
        """Add float32 ``(samples, channels)``.

        Raises:
            AudioError: there is no such channel.
        """
        part = self._mix(block)
        end = self.length + len(part)
        if not self.length:
            self._samples = part  # most files are one block: nothing is copied
        else:
            self._make_room(end)
            self._samples[self.length : end] = part
        self.length = end

    def _make_room(self, end: int) -> None:
        if not self._samples.flags.owndata:
            self._samples = self._samples.copy()
        if end > len(self._samples):
            self._samples.resize(max(end, min(2 * end, 2**24 + end)), refcheck=False)

    def _mix(self, block: npt.NDArray[Any]) -> FloatArray:
        channels = block.shape[1]
        if self.channel is not None:
            if not 0 <= self.channel < channels:
                raise AudioError(
                    f"{self.name} has {counted(channels, 'channel')}, counted from 0; there is no channel "
                    f"{self.channel}."
                )
            return np.ascontiguousarray(block[:, self.channel])
        if channels == 1:
            return np.asarray(block[:, 0])
        with np.errstate(over="ignore", invalid="ignore"):  # decode() refuses what is not finite
            mean: FloatArray = np.array(block[:, 0], np.float32)
            for each in range(1, channels):  # numpy's mean over so short an axis takes up to 40 times as long
                mean += block[:, each]
            mean /= np.float32(channels)
            self._judge(mean, block)
        return mean

    def _judge(self, mean: FloatArray, block: npt.NDArray[Any]) -> None:
        first = 0
        while first < len(mean):
            part = slice(first, first + JUDGED - self._judged)
            self._mean_energy += float(np.vdot(mean[part], mean[part]))
            self._channel_energy += float(np.vdot(block[part], block[part])) / block.shape[1]
            self._judged += len(mean[part])
            first += len(mean[part])
            if self._judged == JUDGED:
                self._end_stretch()

    def _end_stretch(self) -> None:
        self._energy += self._channel_energy
        if self._mean_energy < CANCELLED * self._channel_energy:
            self._lost += self._channel_energy
        self._judged, self._mean_energy, self._channel_energy = 0, 0.0, 0.0

    def finish(self) -> FloatArray:
        """Return everything that was added, ``(samples,)``.

        Raises:
            AudioError: the channels cancel each other in their mean.
        """
        self._end_stretch()
        if self._lost > MOST_LOST * self._energy:
            raise AudioError(
                f"{self.name}: its channels cancel each other, as with one wired the wrong way round; "
                "use a file of one of them, or name it by channel= in Python."
            )
        if len(self._samples) > self.length:
            self._samples.resize(self.length, refcheck=False)
        return self._samples
