"""K utterances of each of many speakers at once, different sessions first."""

import numpy as np

from speakertrip.samplers.layout import IntArray, Layout


def draw(layout: Layout, speakers: IntArray, k: int, rng: np.random.Generator) -> IntArray:
    """Draw K utterances of each speaker.

    The sessions of a speaker take turns, in random order: each gives one of its utterances before any gives a
    second, and none gives the same twice. So K utterances come from min(K, sessions) sessions, and they are K
    different ones where the speaker has that many; otherwise all of them come, and then again from the first.

    Args:
        layout: of all utterances.
        speakers: ``(speakers,)``, whose to draw.
        k: utterances of each.
        rng: source of chance.

    Returns:
        ``(speakers, k)`` positions in the list of utterances; the order within a row says nothing.

    Example:
        >>> layout = Layout([0, 0, 0, 1], ["a", "a", "b", "a"])
        >>> drawn = draw(layout, np.array([0, 1]), 3, np.random.default_rng(0))
        >>> sorted(drawn[0]) == [0, 1, 2], list(drawn[1]) == [3, 3, 3]
        (True, True)
    """
    first = layout.speaker_start[speakers]
    sessions = layout.speaker_start[speakers + 1] - first
    width = min(k, int(sessions.max()))
    chosen = first[:, None] + distinct(sessions, width, rng)
    start = layout.session_start[chosen]
    size = layout.session_start[chosen + 1] - start
    turns = 1 if sessions.min() >= k else min(k, int(size.max()))

    # (speakers, width sessions, turns): the candidates, ranked by turn and within a turn by chance
    candidates = start[..., None] + distinct(size, turns, rng)
    rank = np.arange(turns) + rng.random(candidates.shape)
    exists = np.arange(turns) < size[..., None]
    exists &= (np.arange(width) < sessions[:, None])[..., None]
    rank[~exists] = np.inf

    wrapped = np.arange(k) % np.minimum(exists.sum(axis=(1, 2)), k)[:, None]
    best = np.take_along_axis(rank.reshape(len(speakers), -1).argsort(axis=1), wrapped, axis=1)
    rows = np.take_along_axis(candidates.reshape(len(speakers), -1), best, axis=1)
    return rng.permuted(layout.utterances[rows], axis=1)


def distinct(sizes: IntArray, count: int, rng: np.random.Generator) -> IntArray:
    """Draw from each of many ranges, without repetition and in random order.

    These are the first steps of a Fisher-Yates shuffle, without the array that it shuffles: the number at a
    place is found by going back over the swaps made so far.

    Args:
        sizes: of any shape; of each range ``0 .. size-1``, at least 1.
        count: of draws from each.
        rng: source of chance.

    Returns:
        ``(*sizes.shape, count)``; the draws of a range beyond its size are in it and mean nothing.

    Example:
        >>> sorted(distinct(np.array([3]), 3, np.random.default_rng(0))[0]) == [0, 1, 2]
        True
    """
    turn = np.arange(count).reshape(-1, *[1] * sizes.ndim)
    swaps = turn + (rng.random((count, *sizes.shape)) * np.maximum(sizes - turn, 1)).astype(np.int64)
    drawn = swaps.copy()
    for last in range(1, count):
        for earlier in reversed(range(last)):
            drawn[last][drawn[last] == swaps[earlier]] = earlier
    return np.moveaxis(np.minimum(drawn, sizes - 1), 0, -1)
