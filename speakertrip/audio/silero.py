"""Where a waveform holds speech, by Silero VAD: its network through onnxruntime, without torch."""

from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from speakertrip.audio.waveform import SAMPLE_RATE
from speakertrip.errors import UsageError

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

    from speakertrip.audio.activity import Stretches

WINDOW, CONTEXT = 512, 64  # samples of a step, and of the step before that it sees again
STATE = (2, 1, 128)  # of the recurrent layer
SPEECH, PAUSE = 0.5, 0.35  # probabilities: speech begins at the first and ends below the second
SHORTEST_SPEECH, SHORTEST_PAUSE, PADDING = 4000, 1600, 480  # samples

FloatArray = npt.NDArray[np.float32]


class SileroDetector:
    """Silero VAD with its own defaults; a network that was trained on speech, against one that knows energy only.

    The network comes with the package ``silero-vad`` (https://github.com/snakers4/silero-vad, version 6), which is
    never imported: its import sets torch's thread count. onnxruntime runs it on one thread.

    Raises:
        UsageError: the packages of the extra ``silero`` are not installed.
    """

    def __init__(self) -> None:
        self._path = _model_path()

    def __call__(self, waveform: FloatArray) -> "Stretches":
        """Find the stretches of speech.

        Args:
            waveform: ``(samples,)`` at 16 kHz, finite.

        Returns:
            ``(start, end)`` of each stretch in seconds, ascending and apart.
        """
        stretches = find_stretches(self.probabilities(waveform), len(waveform))
        return [(start / SAMPLE_RATE, end / SAMPLE_RATE) for start, end in stretches]

    def probabilities(self, waveform: FloatArray) -> FloatArray:
        """Return the probability of speech in each window of 512 samples (32 ms), the last filled with zeros.

        Args:
            waveform: ``(samples,)`` at 16 kHz, finite.

        Returns:
            float32 ``(windows,)``, 0 to 1.
        """
        windows = -(-len(waveform) // WINDOW)
        padded = np.pad(np.asarray(waveform, np.float32), (CONTEXT, windows * WINDOW - len(waveform)))
        probabilities = np.empty(windows, np.float32)
        state = np.zeros(STATE, np.float32)
        rate = np.array(SAMPLE_RATE, np.int64)
        for window in range(windows):
            seen = padded[None, window * WINDOW : (window + 1) * WINDOW + CONTEXT]
            probability, state = self._session.run(None, {"input": seen, "state": state, "sr": rate})
            probabilities[window] = probability[0, 0]
        return probabilities

    @cached_property
    def _session(self) -> "InferenceSession":
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.inter_op_num_threads = options.intra_op_num_threads = 1
        return onnxruntime.InferenceSession(str(self._path), options, providers=["CPUExecutionProvider"])


def find_stretches(probabilities: FloatArray, samples: int) -> list[tuple[int, int]]:
    """Turn probabilities into stretches of speech, by the rule of ``silero_vad.get_speech_timestamps``.

    Speech begins at a window of 0.5 or more. It ends at a window below 0.35 that no window of 0.5 or more
    follows within 0.1 s. Stretches of no more than 0.25 s are dropped, the others padded by 30 ms on each side.

    Args:
        probabilities: ``(windows,)``.
        samples: of the waveform.

    Returns:
        First sample and end of each stretch.

    >>> find_stretches(np.repeat(np.float32([0, 0.9, 0]), 20), 60 * 512)
    [(9760, 20960)]
    """
    stretches: list[tuple[int, int]] = []
    start: int | None = None
    end: int | None = None  # where speech may have ended
    for window, probability in enumerate(probabilities):
        place = window * WINDOW
        if probability >= SPEECH:
            start, end = place if start is None else start, None
        elif probability < PAUSE and start is not None:
            end = place if end is None else end
            if place - end >= SHORTEST_PAUSE:
                stretches.append((start, end))
                start = end = None
    if start is not None:
        stretches.append((start, samples))
    return _pad([each for each in stretches if each[1] - each[0] > SHORTEST_SPEECH], samples)


def _pad(stretches: list[tuple[int, int]], samples: int) -> list[tuple[int, int]]:
    """Widen stretches on both sides; neighbours share a pause that is too short for both."""
    starts = [start for start, _ in stretches]
    ends = [end for _, end in stretches]
    gaps = [start - end for start, end in zip(starts[1:], ends[:-1], strict=True)]
    before = [PADDING, *(min(PADDING, gap // 2) for gap in gaps)]
    after = [*(min(PADDING, gap // 2) for gap in gaps), PADDING]
    return [
        (max(0, start - left), min(samples, end + right))
        for start, end, left, right in zip(starts, ends, before, after, strict=False)
    ]


def _model_path() -> Path:
    package = find_spec("silero_vad")
    if package is not None and package.origin and find_spec("onnxruntime") is not None:
        path = Path(package.origin).parent / "data" / "silero_vad.onnx"
        if path.is_file():
            return path
    raise UsageError(
        "The Silero detector needs the packages silero-vad (6.2.3 or later) and onnxruntime: "
        "pip install 'speakertrip[silero]'."
    )
