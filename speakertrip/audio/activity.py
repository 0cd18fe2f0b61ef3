"""Where a waveform holds speech: an energy detector that adapts to the recording."""

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from speakertrip.audio.waveform import SAMPLE_RATE

BLOCK = 80  # samples, 5 ms: frames of 25 ms every 10 ms are sums of blocks
BLOCKS_PER_FRAME, BLOCKS_PER_HOP = 5, 2
FRAMES_PER_SECOND = 100
QUIETEST_DB = -75.0  # below, a frame is silence however quiet the recording is
SMOOTHED = 9  # frames of the running median, which a click of less than 40 ms does not move
FLOOR, CEILING = 0.1, 0.95  # quantiles of the levels: of the pauses, of the speech
LEAST_RANGE_DB = 6.0  # of ceiling over floor; steady noise has less, speech at 5 dB over noise more
THRESHOLD = 0.4  # of the way from floor to ceiling
LOWEST_THRESHOLD_DB = 30.0  # below the ceiling: how far speech itself falls
SHORTEST_SPEECH, SHORTEST_PAUSE, HANGOVER = 10, 20, 5  # frames

FloatArray = npt.NDArray[np.float32]
Stretches = list[tuple[float, float]]


def find_speech(waveform: FloatArray) -> Stretches:
    """Find the stretches of speech by their energy.

    The levels of frames of 25 ms, every 10 ms, are smoothed by a running median, against clicks. Their 10 %
    and 95 % quantiles stand for the recording's floor and its speech, and the threshold lies between the two, as in
    the adaptive detectors of the field (L. R. Rabiner and M. R. Sambur, "An algorithm for determining the endpoints
    of isolated utterances", 1975; the energy detector of Kaldi, whose threshold is a share of the mean
    level). What is shorter than 0.1 s is dropped, what is left is widened by 50 ms, and pauses shorter than 0.2 s
    are filled.

    Args:
        waveform: ``(samples,)`` at 16 kHz, finite.

    Returns:
        ``(start, end)`` of each stretch in seconds, ascending and apart; none in silence and in steady noise.

    >>> rng = np.random.default_rng(0)
    >>> find_speech(np.concatenate([np.zeros(16000), rng.standard_normal(16000), np.zeros(16000)]))
    [(0.9375, 2.0575)]
    >>> find_speech(rng.standard_normal(48000))
    []
    """
    levels = frame_levels(waveform)
    levels = _smooth(levels)
    if not len(levels):
        return []
    floor, ceiling = np.quantile(levels, [FLOOR, CEILING])
    floor = max(floor, QUIETEST_DB)
    if ceiling - floor < LEAST_RANGE_DB:
        return []
    threshold = max(floor + THRESHOLD * (ceiling - floor), ceiling - LOWEST_THRESHOLD_DB)
    runs = [(start, end) for start, end in _runs(levels > threshold) if end - start >= SHORTEST_SPEECH]
    seconds = len(waveform) / SAMPLE_RATE
    centre = BLOCKS_PER_FRAME / BLOCKS_PER_HOP / 2 - 0.5  # from a frame's place to the middle of its samples
    return [
        (
            max(0.0, (start + centre - HANGOVER) / FRAMES_PER_SECOND),
            min(seconds, (end + centre + HANGOVER) / FRAMES_PER_SECOND),
        )
        for start, end in _join(runs)
    ]


def frame_levels(waveform: FloatArray) -> npt.NDArray[np.float64]:
    """Return the level of each frame of 25 ms, every 10 ms, in dB of full scale; -200 for digital silence.

    Returns:
        ``(frames,)``: frame k holds samples 160 k to 160 k + 400; what is left at the end is in none.
    """
    waveform = np.asarray(waveform, np.float32)
    blocks = len(waveform) // BLOCK
    if blocks < BLOCKS_PER_FRAME:
        return np.zeros(0)
    centred = waveform[: blocks * BLOCK] - np.float32(waveform.mean(dtype=np.float64))
    of_blocks = np.einsum("bs,bs->b", centred.reshape(blocks, BLOCK), centred.reshape(blocks, BLOCK))
    frames = sliding_window_view(of_blocks.astype(np.float64), BLOCKS_PER_FRAME)[::BLOCKS_PER_HOP]
    return np.asarray(10 * np.log10(frames.mean(axis=1) / BLOCK + 1e-20))


def _smooth(levels: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    padded = np.pad(levels, SMOOTHED // 2, mode="edge") if len(levels) else np.zeros(SMOOTHED - 1)
    return np.asarray(np.median(sliding_window_view(padded, SMOOTHED), axis=1))


def _runs(active: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return ``(first, end)`` of each run of True.

    >>> _runs(np.array([True, False, True, True]))
    [(0, 1), (2, 4)]
    """
    edges = np.flatnonzero(np.diff(active, prepend=False, append=False))
    return [(int(first), int(end)) for first, end in edges.reshape(-1, 2)]


def _join(runs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Join runs with less than the shortest pause between them."""
    joined: list[tuple[int, int]] = []
    for start, end in runs:
        if joined and start - joined[-1][1] < SHORTEST_PAUSE:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined
