"""Where a waveform holds speech: an energy detector that adapts to the recording."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from speakertrip.audio.waveform import SAMPLE_RATE

BLOCK = 80  # samples, 5 ms
FRAME_BLOCKS, HOP_BLOCKS = 5, 2  # frames of 25 ms every 10 ms
FRAMES_PER_SECOND = 100
DIGITAL_SILENCE_DB = -200.0
QUIETEST_DB = -75.0  # a floor below this tells of a gate or of digital silence, not of a room
SMOOTHED = 9  # frames of the running median, which a click of less than 40 ms does not move
FLOOR = 0.1  # share of the frames that lie below the floor
# Share of the frames that lies above the ceiling, and how many suffice in a long recording; half as many where these
# would say that nobody speaks.
CEILING, CEILING_FRAMES, FEWER_FRAMES = 0.05, 100, 50
# Of ceiling over floor; steady noise has less than 2, speech in noise as loud as it about 5.
LEAST_RANGE_DB = 4.0
THRESHOLD = 0.2  # of the way from floor to ceiling
SPEECH_RANGE_DB = 30.0  # below the ceiling: how far speech itself falls
SHORTEST_SPEECH, SHORTEST_PAUSE, HANGOVER = 10, 20, 5  # frames

FloatArray = npt.NDArray[np.float32]
Levels = npt.NDArray[np.float64]
Stretches = list[tuple[float, float]]


def find_speech(waveform: FloatArray) -> Stretches:
    """Find the stretches of speech by their energy, against the floor and the ceiling of the recording itself.

    The levels of frames of 25 ms, every 10 ms, pass a running median of 9 frames, against clicks. The level that 10 %
    of them lie below is the floor; the one that 5 % lie above, or one second in all, is the ceiling (or half a second,
    where that would find nothing: one word in a long silence). A frame holds
    speech above the higher of two levels: a fifth of the way from floor to ceiling, and 30 dB below the ceiling. What
    is shorter than 0.1 s is dropped, and pauses shorter than 0.2 s are filled; then all is widened by 50 ms. This is
    the classic endpoint detector (L. R. Rabiner and M. R. Sambur, "An algorithm for determining the endpoints of
    isolated utterances", Bell System Technical Journal 54, 1975), with a floor that needs no silence at the beginning.

    Any sound that rises and falls is speech to it: music, a barking dog, a noise that sets in.
    ``SileroDetector`` tells them apart. On 1,395 utterances of nine corpora of real speech the two agree on 94 % of
    the frames (``benchmarks/voice_activity.py``).

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
    levels = _smooth(frame_levels(waveform))
    if not len(levels):
        return []
    floor, ceiling = _floor_and_ceiling(levels, CEILING_FRAMES)
    if ceiling - floor < LEAST_RANGE_DB:
        floor, ceiling = _floor_and_ceiling(levels, FEWER_FRAMES)
    if ceiling - floor < LEAST_RANGE_DB:
        return []
    threshold = max(floor + THRESHOLD * (ceiling - floor), ceiling - SPEECH_RANGE_DB)
    stretches = runs(levels > threshold)
    stretches = _join([(start, end) for start, end in stretches if end - start >= SHORTEST_SPEECH])
    return [_in_seconds(start, end, len(waveform)) for start, end in stretches]


def total_seconds(stretches: Sequence[tuple[float, float]]) -> float:
    """Return how much speech there is in all.

    >>> total_seconds([(0.5, 1.0), (2.0, 4.0)])
    2.5
    """
    return sum((end - start for start, end in stretches), 0.0)


def frame_levels(waveform: FloatArray) -> Levels:
    """Return the level of each frame of 25 ms, every 10 ms, in dB of full scale.

    From each block of 5 ms its mean and its slope are taken away first: a high-pass against hum and rumble, which may
    be louder than a voice. It takes 21 dB from 50 Hz, 4 from 200 Hz, none from 500 Hz on.

    Args:
        waveform: ``(samples,)`` at 16 kHz, finite.

    Returns:
        ``(frames,)``: frame k holds the samples from 160 k to 160 k + 400, and those after the last whole frame are in
        none; -200 for digital silence.
    """
    blocks = len(waveform) // BLOCK
    if blocks < FRAME_BLOCKS:
        return np.zeros(0)
    waveform = np.asarray(waveform[: blocks * BLOCK], np.float32)
    rows = (waveform - np.float32(waveform.mean(dtype=np.float64))).reshape(blocks, BLOCK)
    ramp = np.arange(BLOCK) - (BLOCK - 1) / 2
    lines = np.stack([np.full(BLOCK, BLOCK**-0.5), ramp / np.linalg.norm(ramp)], axis=1).astype(np.float32)
    straight = rows @ lines
    energies = np.einsum("bs,bs->b", rows, rows) - np.einsum("bs,bs->b", straight, straight)
    frames = sliding_window_view(np.maximum(energies, 0).astype(np.float64), FRAME_BLOCKS)[::HOP_BLOCKS]
    power = frames.mean(axis=1) / BLOCK
    return np.asarray(10 * np.log10(np.maximum(power, 10 ** (DIGITAL_SILENCE_DB / 10))))


def runs(active: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return the first and the end of each run of True.

    >>> runs(np.array([True, False, True, True]))
    [(0, 1), (2, 4)]
    """
    edges = np.flatnonzero(np.diff(active, prepend=False, append=False))
    return [(int(first), int(end)) for first, end in edges.reshape(-1, 2)]


def _smooth(levels: Levels) -> Levels:
    if not len(levels):
        return levels
    padded = np.pad(levels, SMOOTHED // 2, mode="edge")
    return np.asarray(np.median(sliding_window_view(padded, SMOOTHED), axis=1))


def _floor_and_ceiling(levels: Levels, frames: int) -> tuple[float, float]:
    above = min(CEILING, frames / len(levels))
    floor, ceiling = np.quantile(levels, [FLOOR, 1 - above])
    return max(float(floor), QUIETEST_DB), float(ceiling)


def _join(stretches: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Join stretches with less than the shortest pause between them."""
    joined: list[tuple[int, int]] = []
    for start, end in stretches:
        if joined and start - joined[-1][1] < SHORTEST_PAUSE:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined


def _in_seconds(start: int, end: int, samples: int) -> tuple[float, float]:
    """Turn frames into seconds: from the middle of a frame's samples, less half a hop, and widened on both sides."""
    middle = (FRAME_BLOCKS / HOP_BLOCKS - 1) / 2
    first, last = start + middle - HANGOVER, end + middle + HANGOVER
    return max(0.0, first / FRAMES_PER_SECOND), min(samples / SAMPLE_RATE, last / FRAMES_PER_SECOND)
