"""Pairs under conditions: counted, walked through or drawn, without a list or a matrix of all of them."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
PairArrays = tuple[IntArray, IntArray]

LEAST_BATCH, MOST_BATCH = 1 << 12, 1 << 22  # proposals at a time


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """What can stand on one side of a pair, by columns of numbers from 0, each ``(candidates,)``.

    A pair needs the same number on both sides in ``within``, different ones in ``apart``, and different ones in
    ``across`` where that is given.

    Attributes:
        speaker: who; the limit per speaker counts these.
        within: such as the sex.
        apart: such as the session.
        across: such as the language.
    """

    speaker: IntArray
    within: IntArray
    apart: IntArray
    across: IntArray | None = None


class Pairs:
    """The pairs that the conditions allow.

    Args:
        first: candidates for the enrollment side.
        second: candidates for the test side; None: they are the same, and a pair has no order.

    Examples:
        >>> speaker = np.array([0, 0, 1])
        >>> across_speakers = Candidates(speaker, within=np.zeros(3, np.int64), apart=speaker)
        >>> pairs = Pairs(across_speakers)
        >>> pairs.total, pairs.counts
        (2, array([1, 1, 2]))
    """

    def __init__(self, first: Candidates, second: Candidates | None = None) -> None:
        self.unordered = second is None
        self.first, self.second = first, second or first
        self.counts = _count(self.first, self.second)
        self.order = np.argsort(self.second.within, kind="stable")  # those of one number in a row
        ordered = self.second.within[self.order]
        self.begins = np.searchsorted(ordered, self.first.within)
        self.sizes = np.searchsorted(ordered, self.first.within, side="right") - self.begins
        self.total = int(self.counts.sum()) // (2 if self.unordered else 1)

    def limited(self, per_speaker: int) -> int:
        """Return how many pairs there are at most with so many of a speaker on the first side."""
        by_speaker = np.bincount(self.first.speaker, weights=self.counts)
        return min(self.total, int(np.minimum(by_speaker, per_speaker).sum()))

    def choose(self, rng: np.random.Generator, most: int | None, per_speaker: int | None) -> PairArrays:
        """Return a random subset of the pairs, evenly drawn.

        Args:
            rng: draws; it also says which side of an unordered pair stands first.
            most: how many pairs at most; None: no limit.
            per_speaker: how many at most with one speaker on the first side; None: no limit. A speaker has fewer
                only where no pair is left.

        Returns:
            ``(first, second)``, int arrays ``(pairs,)`` of candidates; no pair comes twice, not even turned round.
        """
        wanted = self.total if most is None else min(most, self.total)
        if per_speaker is None:
            return (
                _subset(self._all(rng), rng, wanted) if 2 * wanted >= self.total else self._draw(rng, wanted)
            )
        by_speaker = np.bincount(self.first.speaker, weights=self.counts)
        if 2 * np.minimum(by_speaker, per_speaker).sum() < self.total:
            return _subset(self._draw(rng, self.total, per_speaker), rng, wanted)
        return _subset(self._limit(self._all(rng), rng, per_speaker), rng, wanted)

    def _all(self, rng: np.random.Generator) -> PairArrays:
        seconds = [np.zeros(0, np.int64)]
        lengths = np.zeros(len(self.counts), np.int64)
        for row in np.flatnonzero(self.counts).tolist():
            near = self.order[self.begins[row] : self.begins[row] + self.sizes[row]]
            if self.unordered:
                near = near[near > row]
            near = near[self._allow(np.full(len(near), row), near)]
            lengths[row] = len(near)
            seconds.append(near)
        first, second = np.repeat(np.arange(len(lengths)), lengths), np.concatenate(seconds)
        if self.unordered:
            turn = rng.integers(2, size=len(first)) == 1
            first, second = np.where(turn, second, first), np.where(turn, first, second)
        return first, second

    def _limit(self, pairs: PairArrays, rng: np.random.Generator, per_speaker: int) -> PairArrays:
        """Keep a random subset with at most so many pairs of a speaker on the first side."""
        order = rng.permutation(len(pairs[0]))
        first, second = pairs[0][order], pairs[1][order]
        speaker = self.first.speaker
        kept = _rank_within(speaker[first]) < per_speaker
        chosen = [(first[kept], second[kept])]
        if self.unordered:  # what one side has no room for, the other may have
            first, second = second[~kept], first[~kept]
            room = per_speaker - np.bincount(speaker[chosen[0][0]], minlength=int(speaker.max()) + 1)
            kept = _rank_within(speaker[first]) < room[speaker[first]]
            chosen.append((first[kept], second[kept]))
        return np.concatenate([pair[0] for pair in chosen]), np.concatenate([pair[1] for pair in chosen])

    def _draw(self, rng: np.random.Generator, wanted: int, per_speaker: int | None = None) -> PairArrays:
        """Propose pairs in batches and keep the new ones, until there are enough or none is left."""
        speaker = self.first.speaker
        left = np.bincount(speaker, weights=self.counts).astype(np.int64)  # pairs not taken, by first speaker
        room = np.full(len(left), wanted if per_speaker is None else per_speaker)
        first, second, taken = (np.zeros(0, np.int64) for _ in range(3))
        batch = min(max(5 * min(wanted, int(room.sum())) // 4, LEAST_BATCH), MOST_BATCH)
        while len(first) < wanted:
            rows = np.flatnonzero((self.counts > 0) & ((room > 0) & (left > 0))[speaker])
            if not len(rows):
                break
            new_first, new_second = self._propose(rng, rows, batch)
            keys = self._keys(new_first, new_second)
            new = np.sort(np.unique(keys, return_index=True)[1])
            new = new[~np.isin(keys[new], taken)]
            new = new[_rank_within(speaker[new_first[new]]) < room[speaker[new_first[new]]]]
            new = new[: wanted - len(first)]
            first = np.concatenate([first, new_first[new]])
            second = np.concatenate([second, new_second[new]])
            taken = np.concatenate([taken, keys[new]])
            by_speaker = np.bincount(speaker[new_first[new]], minlength=len(left))
            room -= by_speaker
            left -= by_speaker
            if self.unordered:  # the same pair turned round is taken too
                left -= np.bincount(speaker[new_second[new]], minlength=len(left))
            batch = min(2 * batch, MOST_BATCH)
        return first, second

    def _propose(self, rng: np.random.Generator, rows: IntArray, count: int) -> PairArrays:
        """Draw among all pairs of these rows that agree in ``within``, and return those allowed."""
        ends = np.cumsum(self.sizes[rows])
        drawn = rng.integers(ends[-1], size=count)
        place = np.searchsorted(ends, drawn, side="right")
        first = rows[place]
        second = self.order[self.begins[first] + drawn - (ends[place] - self.sizes[first])]
        allowed = self._allow(first, second)
        return first[allowed], second[allowed]

    def _allow(self, first: IntArray, second: IntArray) -> npt.NDArray[np.bool_]:
        """Tell which pairs that agree in ``within`` fulfil the other conditions."""
        allowed: npt.NDArray[np.bool_] = self.first.apart[first] != self.second.apart[second]
        if self.first.across is not None and self.second.across is not None:
            allowed &= self.first.across[first] != self.second.across[second]
        return allowed

    def _keys(self, first: IntArray, second: IntArray) -> IntArray:
        if self.unordered:
            first, second = np.minimum(first, second), np.maximum(first, second)
        return first * len(self.second.within) + second


def _count(first: Candidates, second: Candidates) -> IntArray:
    """Return how many second candidates each first one can be paired with, by inclusion and exclusion."""
    within = (first.within, second.within)
    apart = (first.apart, second.apart)
    counts = _tally(within) - _tally(within, apart)
    if first.across is not None and second.across is not None:
        across = (first.across, second.across)
        counts += _tally(within, apart, across) - _tally(within, across)
    return counts


def _tally(*columns: PairArrays) -> IntArray:
    """Return, for each first candidate, how many second ones agree with it in all these columns."""
    wanted, there = (np.zeros(len(side), np.int64) for side in columns[0])
    for first, second in columns:
        levels = 1 + max(int(first.max(initial=0)), int(second.max(initial=0)))
        wanted, there = wanted * levels + first, there * levels + second
    there = np.sort(there)
    tally: IntArray = np.searchsorted(there, wanted, side="right") - np.searchsorted(there, wanted)
    return tally


def _rank_within(groups: IntArray) -> IntArray:
    """Return how many earlier elements are of the same group."""
    order = np.argsort(groups, kind="stable")
    ordered = groups[order]
    ranks = np.empty_like(order)
    ranks[order] = np.arange(len(order)) - np.searchsorted(ordered, ordered)
    return ranks


def _subset(pairs: PairArrays, rng: np.random.Generator, count: int) -> PairArrays:
    first, second = pairs
    if len(first) <= count:
        return pairs
    kept = np.sort(rng.permutation(len(first))[:count])
    return first[kept], second[kept]
