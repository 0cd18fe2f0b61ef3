"""Long audio in windows of equal length, each with how much speech it holds."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from speakertrip.audio.activity import find_speech
from speakertrip.audio.speech_time import SpeechTime
from speakertrip.audio.waveform import SAMPLE_RATE

LONGEST = SAMPLE_RATE * 30  # samples that are embedded as one
WINDOW = SAMPLE_RATE * 4  # samples of each window of what is longer

FloatArray = npt.NDArray[np.float32]
Seconds = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Windows:
    """Where the windows of a waveform lie that hold speech.

    Attributes:
        starts: int ``(windows,)``, the first sample of each, ascending.
        seconds: ``(windows,)``, how much speech each holds, positive; of a waveform without any, its length.
    """

    starts: npt.NDArray[np.int64]
    seconds: Seconds

    @property
    def shares(self) -> Seconds:
        """How much each counts, ``(windows,)``, 1 in all."""
        return np.asarray(self.seconds / self.seconds.sum())

    def of(self, waveform: FloatArray) -> list[FloatArray]:
        """Return the windows of a waveform, views of it."""
        return [waveform[start : start + WINDOW] for start in self.starts]


def find_windows(waveform: FloatArray) -> Windows | None:
    """Cut a long waveform into windows, so that memory is bounded and pauses do not count.

    As few windows of 4 s as cover the waveform, the first at its beginning and the last at its end, the others evenly
    between: neighbours overlap a little, so that none is short. Those without speech are left out. Speech is what
    ``find_speech`` finds, whatever detector a user chose: an embedding must not depend on that.

    The length comes from 53 speakers held out of the training of a small ResNet, of each about two thirds of the
    utterances joined, against the others. With a pause of faint noise of 15 s after each (68 s in the median), the EER
    as one was 11.6 %; in windows that count by their speech 7.0, 6.8, 7.0, 8.1, 9.9 and 9.1 % (of 2, 3, 4, 6, 10 and
    20 s), and in windows of 4 s that count alike 16.9 %. Without pauses (10 s) it was 5.8 % as one and 5.1 to 5.7 % in
    windows of 2 to 10 s. Means of raw and of unit embeddings were not told apart; those of raw ones keep the magnitude.

    Args:
        waveform: ``(samples,)`` at 16 kHz, finite.

    Returns:
        The windows; None of a waveform of 30 s or less, which is embedded as one.

    Examples:
        >>> waveform = np.zeros(100 * SAMPLE_RATE, np.float32)
        >>> waveform[-2 * SAMPLE_RATE :] = np.random.default_rng(0).standard_normal(2 * SAMPLE_RATE)
        >>> found = find_windows(waveform)
        >>> (found.starts / SAMPLE_RATE).tolist(), found.shares.tolist()
        ([96.0], [1.0])
    """
    if len(waveform) <= LONGEST:
        return None
    count = -(-len(waveform) // WINDOW)
    starts = np.rint(np.linspace(0, len(waveform) - WINDOW, count)).astype(np.int64)
    time = SpeechTime.of(find_speech(waveform))
    seconds = time.before((starts + WINDOW) / SAMPLE_RATE) - time.before(starts / SAMPLE_RATE)
    if not seconds.any():  # another detector found some, or none was asked
        return Windows(starts, np.full(count, WINDOW / SAMPLE_RATE))
    return Windows(starts[seconds > 0], seconds[seconds > 0])
