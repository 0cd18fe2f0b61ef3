"""What of a recording is embedded: without silence at its ends, and in windows where it is long or mostly pauses."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from speakertrip.audio.activity import find_speech
from speakertrip.audio.speech_time import SpeechTime
from speakertrip.audio.waveform import SAMPLE_RATE

LONGEST = SAMPLE_RATE * 30  # samples that are embedded as one
WINDOW = SAMPLE_RATE * 4  # samples of each window of what is longer, or mostly pauses
MARGIN = round(SAMPLE_RATE * 0.75)  # samples that are kept before the first speech and after the last
LEAST_SPEECH = 0.5  # share of speech in what is embedded as one
# Raised with every change of what is embedded of a recording, here or in ``without_digital_silence``: no folder of
# embeddings then mixes both.
WINDOWING = 2

FloatArray = npt.NDArray[np.float32]
Seconds = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Windows:
    """The stretches of a waveform that are embedded, all of one length.

    Attributes:
        starts: int ``(windows,)``, the first sample of each, ascending.
        length: samples of each.
        seconds: ``(windows,)``, how much speech each holds, positive; of a waveform without any, its length.
    """

    starts: npt.NDArray[np.int64]
    length: int
    seconds: Seconds

    @property
    def shares(self) -> Seconds:
        """How much each counts, ``(windows,)``, 1 in all."""
        return np.asarray(self.seconds / self.seconds.sum())

    def of(self, waveform: FloatArray) -> list[FloatArray]:
        """Return the windows of a waveform, views of it."""
        return [waveform[start : start + self.length] for start in self.starts]


def find_windows(waveform: FloatArray) -> Windows:
    """Choose what of a waveform is embedded, so that silence does not count and memory is bounded.

    Silence beyond 0.75 s before the first speech and after the last is left out. What remains is one window; but where
    it is longer than 30 s, or longer than 4 s with speech in less than half of it, as few windows of 4 s as cover it,
    the first at its beginning and the last at its end, the others evenly between: neighbours overlap a little, so that
    none is short. Those without speech are left out. Speech is what ``find_speech`` finds, whatever detector a user
    chose: an embedding must not depend on that.

    The numbers come from speakers held out of the training of a small ResNet. With 15 s of silence around each
    utterance, 60 % of the nontarget trials were accepted at the threshold where 11 % were without it; with the ends cut
    16 %, and as many as before where nothing was to be cut. (That silence was digital, which is left out as a whole
    now, see ``without_digital_silence``.) Margins of 0.1 to 0.5 s cost one to two points of EER on
    such utterances, for a channel is heard in its silence. For the windows the utterances of 53 speakers were joined:
    with a pause of 15 s after each (68 s in the median), the EER as one was 11.6 %; in windows that count by their
    speech 7.0, 6.8, 7.0, 8.1, 9.9 and 9.1 % (of 2, 3, 4, 6, 10 and 20 s), and in windows of 4 s that count alike
    16.9 %. Means of raw and of unit embeddings were not told apart; those of raw ones keep the magnitude.

    Args:
        waveform: ``(samples,)`` at 16 kHz, finite.

    Examples:
        >>> waveform = np.zeros(100 * SAMPLE_RATE, np.float32)
        >>> waveform[-2 * SAMPLE_RATE :] = np.random.default_rng(0).standard_normal(2 * SAMPLE_RATE)
        >>> found = find_windows(waveform)
        >>> (found.starts / SAMPLE_RATE).round(1).tolist(), found.shares.tolist()
        ([97.2], [1.0])
    """
    speech = find_speech(waveform)
    begin, end = 0, len(waveform)
    if speech:  # else another detector found some, or none was asked
        begin = max(begin, round(speech[0][0] * SAMPLE_RATE) - MARGIN)
        end = min(end, round(speech[-1][1] * SAMPLE_RATE) + MARGIN)
    time, length = SpeechTime.of(speech), end - begin
    pauses = bool(speech) and length > WINDOW and time.total * SAMPLE_RATE < LEAST_SPEECH * length
    if length <= LONGEST and not pauses:
        return Windows(np.array([begin]), length, np.array([time.total or length / SAMPLE_RATE]))
    count = -(-length // WINDOW)
    starts = np.rint(np.linspace(begin, end - WINDOW, count)).astype(np.int64)
    seconds = time.before((starts + WINDOW) / SAMPLE_RATE) - time.before(starts / SAMPLE_RATE)
    if not speech:
        return Windows(starts, WINDOW, np.full(count, WINDOW / SAMPLE_RATE))
    return Windows(starts[seconds > 0], WINDOW, seconds[seconds > 0])
