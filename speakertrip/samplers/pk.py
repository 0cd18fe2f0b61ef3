"""P speakers x K utterances."""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
from torch.utils.data import Sampler

from speakertrip.errors import TrainingError


class PKSampler(Sampler[list[tuple[int, int]]]):
    """Batches of P different speakers with K utterances each, an endless stream that any step can start.

    An epoch shows every speaker once, in an order drawn from (seed, epoch); the last, incomplete batch of an
    epoch is left out. A batch is a function of (seed, step) alone, so that a resumed run goes on exactly.
    Utterances are drawn without repetition, those of different sessions first; a speaker with fewer than K
    fills up by repeating its utterances, and each repetition carries its own number so that the dataset cuts
    and augments it anew.

    Where groups are given, the speakers of a batch share one as far as it goes: negatives of the same corpus or
    language are the hard ones, because the channel does not give them away. What is left over of the groups
    fills mixed batches.

    Args:
        speakers: for each utterance, its speaker's label, ``0 .. S-1``, each label at least once.
        sessions: for each utterance, its session (None: unknown).
        p: speakers in a batch.
        k: utterances of each speaker.
        seed: of all draws.
        start: the step to begin with.
        groups: for each utterance, what its speaker has in common with others; None: no groups.

    Raises:
        TrainingError: fewer than P speakers.

    Yields:
        ``P * K`` pairs ``(utterance, draw)``; ``draw`` numbers the draws of the whole run, ``step * P * K`` on.

    Example:
        >>> sampler = PKSampler([0, 0, 1, 1, 2], [None] * 5, p=2, k=2, seed=0)
        >>> batch = next(iter(sampler))
        >>> len(batch)
        4
    """

    def __init__(
        self,
        speakers: Sequence[int],
        sessions: Sequence[str | None],
        p: int,
        k: int,
        seed: int,
        start: int = 0,
        groups: Sequence[str | None] | None = None,
    ) -> None:
        self.p, self.k, self.seed, self.start = p, k, seed, start
        self.sessions = sessions
        labels = np.asarray(speakers)
        order = np.argsort(labels, kind="stable")
        self.utterances = np.split(order, np.cumsum(np.bincount(labels))[:-1])
        names = [str(groups[rows[0]]) if groups else "" for rows in self.utterances]
        self.groups = np.unique(names, return_inverse=True)[1]
        if len(self.utterances) < p:
            raise TrainingError(
                f"A batch of {p} speakers cannot be filled from {len(self.utterances)}; lower batch.speakers."
            )

    @property
    def batches_per_epoch(self) -> int:
        """How many full batches show each speaker once."""
        return len(self.utterances) // self.p

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        step = self.start
        while True:
            epoch, position = divmod(step, self.batches_per_epoch)
            if step == self.start or position == 0:
                batches = self._epoch(np.random.default_rng([self.seed, epoch]))
            rng = np.random.default_rng([self.seed, epoch, position])
            rows = [row for speaker in batches[position] for row in self._draw(self.utterances[speaker], rng)]
            yield [(row, step * self.p * self.k + place) for place, row in enumerate(rows)]
            step += 1

    def _epoch(self, rng: np.random.Generator) -> npt.NDArray[np.int64]:
        """Arrange the speakers in batches, ``(batches, p)``: full ones of each group, then of the leftovers."""
        order = rng.permutation(len(self.utterances))
        members = [order[self.groups[order] == group] for group in range(self.groups.max() + 1)]
        full = [each[: len(each) // self.p * self.p] for each in members]
        left = [each[len(each) // self.p * self.p :] for each in members]
        arranged = np.concatenate([*full, rng.permutation(np.concatenate(left))])
        return rng.permutation(arranged[: self.batches_per_epoch * self.p].reshape(-1, self.p))

    def _draw(self, utterances: npt.NDArray[np.int64], rng: np.random.Generator) -> list[int]:
        shuffled = [int(row) for row in rng.permutation(utterances)]
        seen: dict[str | None, int] = {}
        turns = []
        for row in shuffled:
            turns.append(seen.get(self.sessions[row], 0))
            seen[self.sessions[row]] = turns[-1] + 1
        in_turn = [row for _, row in sorted(zip(turns, shuffled, strict=True), key=lambda pair: pair[0])]
        return [in_turn[i % len(in_turn)] for i in range(self.k)]
