"""Which speakers meet in which batch of an epoch."""

import numpy as np

from speakertrip.samplers.layout import IntArray


class Epoch:
    """The places of the speakers in an epoch, and how they are dealt into batches of P.

    A group of at least P speakers fills batches of its own. What is left of it, fewer than P places of
    different speakers, fills mixed batches together with the groups that are too small for their own. Where
    even the mixed batches are too few for a small group, its speakers take places of others in batches of the
    large groups: else they would come rarely or never. What fills no batch is left out by chance.

    A speaker is never twice in a batch, so it has at most as many places as the batches it can be in.

    Args:
        places: ``(speakers,)``, how often each is to be shown, at least once.
        groups: ``(speakers,)``, the group of each, from 0.
        p: speakers in a batch, at most those there are.

    Attributes:
        batches: of an epoch, the same number in each.

    Example:
        >>> epoch = Epoch(np.array([1, 1, 2, 1]), np.zeros(4, dtype=np.int64), p=2)
        >>> epoch.batches
        2
        >>> epoch.arrange(np.random.default_rng(0)).shape
        (2, 2)
    """

    def __init__(self, places: IntArray, groups: IntArray, p: int) -> None:
        self.p = p
        large = np.bincount(groups)[groups] >= p
        self._groups: list[tuple[IntArray, int]] = []  # speakers of each large group, and batches
        self._own = np.zeros_like(places)  # places of each speaker of theirs
        for group in np.unique(groups[large]):
            members = np.flatnonzero(groups == group)
            batches = most_batches(places[members], p)
            self._own[members] = np.minimum(places[members], batches)
            self._groups.append((members, batches))
        self._pure = sum(batches for _, batches in self._groups)
        small = np.where(large, 0, places)
        self._mixed = most_batches(small, p, extra=int(self._own.sum()) - self._pure * p)
        self._pooled = np.minimum(small, self._mixed)  # places of the others, in mixed batches
        self._guests = np.minimum(small - self._pooled, self._pure)  # and in those of large groups
        self.batches = self._pure + self._mixed

    def arrange(self, rng: np.random.Generator) -> IntArray:
        """Deal the speakers into the batches of one epoch, ``(batches, p)``, in an order that says nothing."""
        arranged = []
        pooled = self._pooled.copy()
        for members, batches in self._groups:
            own, left = leave_out(_slots(members, self._own, rng), batches * self.p, rng)
            arranged.append(deal(own, batches, rng))
            pooled[left] = 1
        if self._mixed:
            slots = _slots(np.flatnonzero(pooled), pooled, rng)
            arranged.append(deal(leave_out(slots, self._mixed * self.p, rng)[0], self._mixed, rng))
        table = np.concatenate(arranged)
        if self._guests.any():
            slots = _slots(np.flatnonzero(self._guests), self._guests, rng)
            hosts = rng.permutation(self._pure)[: self._guests.max()]
            turn = np.arange(len(slots))
            table[hosts[turn % len(hosts)], turn // len(hosts)] = slots
        return rng.permutation(rng.permuted(table, axis=1))


def most_batches(places: IntArray, p: int, extra: int = 0) -> int:
    """Return how many batches of P can be filled without a speaker twice in one.

    Args:
        places: ``(speakers,)``, at most how often each is shown.
        p: speakers in a batch.
        extra: further places, each of another speaker.

    Example:
        >>> most_batches(np.array([9, 2, 2]), p=2)  # of the nine places only four find a batch
        4
    """
    batches = (int(places.sum()) + extra) // p
    while (fewer := (int(np.minimum(places, batches).sum()) + extra) // p) < batches:
        batches = fewer
    return batches


def leave_out(slots: IntArray, keep: int, rng: np.random.Generator) -> tuple[IntArray, IntArray]:
    """Leave out slots at even distances from a random one on, each with the same chance.

    A speaker with a run of slots no longer than the distance loses one at most.

    Args:
        slots: ``(slots,)``, one speaker after the other.
        keep: how many to keep.
        rng: source of chance.

    Returns:
        Those kept, ``(keep,)``, and those left out.

    Example:
        >>> kept, left = leave_out(np.array([5, 5, 6, 6]), 2, np.random.default_rng(0))
        >>> sorted(kept) == sorted(left) == [5, 6]
        True
    """
    count = len(slots) - keep
    if not count:
        return slots, slots[:0]
    places = (rng.integers(len(slots)) + np.arange(count) * len(slots) // count) % len(slots)
    return np.delete(slots, places), slots[places]


def deal(slots: IntArray, batches: int, rng: np.random.Generator) -> IntArray:
    """Deal slots into batches at random, none with a speaker twice.

    Each round gives every batch one slot. A speaker's run of slots lies in one round, or in two that follow
    each other; where chance deals both to the same batch, the later one changes places with another speaker's.

    Args:
        slots: ``(batches * p,)``, one speaker after the other, none with more slots than there are batches.
        batches: how many.
        rng: source of chance.

    Returns:
        Speakers, ``(batches, p)``.

    Example:
        >>> batches = deal(np.array([5, 5, 7, 6, 6, 8]), 2, np.random.default_rng(0))
        >>> [len(set(batch)) for batch in batches.tolist()]
        [3, 3]
    """
    rounds = slots.reshape(-1, batches)
    dealt = rng.permuted(rounds, axis=1)
    for turn in np.flatnonzero(rounds[1:, 0] == rounds[:-1, -1]) + 1:
        speaker = rounds[turn, 0]
        now, before = dealt[turn] == speaker, dealt[turn - 1] == speaker
        clash = np.flatnonzero(now & before)
        free = rng.permutation(np.flatnonzero(~(now | before)))[: len(clash)]
        dealt[turn, clash], dealt[turn, free] = dealt[turn, free], speaker
    return np.transpose(dealt)


def _slots(members: IntArray, places: IntArray, rng: np.random.Generator) -> IntArray:
    """Repeat each member as often as it has places, member after member in random order."""
    order = rng.permutation(members)
    return np.repeat(order, places[order])
