"""P speakers x K utterances."""

from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np
from torch.utils.data import Sampler

from speakertrip.errors import TrainingError
from speakertrip.samplers.draw import draw
from speakertrip.samplers.epoch import Epoch
from speakertrip.samplers.hard import HardSpeakers
from speakertrip.samplers.layout import IntArray, Layout, number

Balance = Literal["speaker", "utterance"]


class PKSampler(Sampler[list[tuple[int, int]]]):
    """Batches of P different speakers with K utterances each, an endless stream that any step can start.

    A batch is a function of (seed, step) alone, so that a resumed run goes on exactly. Utterances are drawn
    without repetition, those of different sessions first; a speaker with fewer than K fills up by repeating its
    utterances, and each repetition carries its own number so that the dataset cuts and augments it anew. An
    utterance whose session is unknown counts as a session of its own.

    An epoch balanced by speakers shows every speaker once. One balanced by utterances shows a speaker with n
    utterances ceil(n / K) times, so that each utterance is about equally likely (exactly so where K divides n
    and no sessions are known), but never more often than there are batches. What does not fill the last batch of
    an epoch is left out, drawn anew each time.

    Where groups are given, the speakers of a batch share one as far as it goes: negatives of the same corpus or
    language are the hard ones, because the channel does not give them away. What is left over of the groups
    fills mixed batches; groups too small for those are guests in the batches of others.

    Where hard speakers are given, batches bring together those whose centroids are near, and the stream ends
    with the epoch, because the next one waits for its centroids: set ``start`` to its first step and iterate
    again. A batch is then a function of (seed, step, centroids of its epoch).

    Args:
        speakers: for each utterance, its speaker's label, ``0 .. S-1``, each label at least once.
        sessions: for each utterance, its session (None: unknown); None: all unknown.
        p: speakers in a batch, over all processes.
        k: utterances of each speaker.
        seed: of all draws, at least 0.
        start: the step to begin with, from 0.
        groups: for each utterance, what its speaker has in common with others; None: no groups.
        balance: whether all speakers or all utterances come equally often.
        rank: of this process, ``0 .. world_size-1``. It gets its share of the batch's speakers, as
            ``np.array_split`` cuts them; the shares of all ranks are the batch of a single process.
        world_size: processes that share a batch, at most P.
        hard: finds the similar speakers; goes with neither groups nor a balance by utterances.

    Raises:
        TrainingError: fewer than P speakers, lists that do not fit each other, a rank or a balance that does not
            exist, more processes than speakers in a batch, or options that exclude each other.

    Yields:
        ``share * K`` pairs ``(utterance, draw)``, the K of a speaker side by side; ``draw`` numbers the draws of
        the whole run over all processes, ``step * P * K`` on.

    Attributes:
        start: the step that the next iteration begins with.

    Example:
        >>> sampler = PKSampler([0, 0, 1, 1, 2], None, p=2, k=2, seed=0)
        >>> batch = next(iter(sampler))
        >>> len(batch)
        4
        >>> sampler.batches_per_epoch
        1
    """

    def __init__(
        self,
        speakers: Sequence[int],
        sessions: Sequence[str | None] | None,
        p: int,
        k: int,
        seed: int,
        start: int = 0,
        groups: Sequence[str | None] | None = None,
        balance: Balance = "speaker",
        rank: int = 0,
        world_size: int = 1,
        hard: HardSpeakers | None = None,
    ) -> None:
        _require_options(p, balance, rank, world_size, hard is not None, groups is not None)
        self.p, self.k, self.seed, self.start, self.hard = p, k, seed, start, hard
        self.layout = Layout(speakers, [None] * len(speakers) if sessions is None else sessions)
        counts = self.layout.utterance_counts
        if len(counts) < p:
            raise TrainingError(
                f"A batch of {p} speakers cannot be filled from {len(counts)}; lower batch.speakers."
            )
        places = -(-counts // k) if balance == "utterance" else np.ones_like(counts)
        numbers = np.zeros_like(counts)
        if groups is not None:
            if len(groups) != len(speakers):
                raise TrainingError(
                    f"There are {len(speakers)} utterances but {len(groups)} groups; give one for each, or None."
                )
            numbers = number([groups[row] for row in self.layout.first_utterances()])
        self.epoch = Epoch(places, numbers, p)
        self.share = share_of_speakers(p, rank, world_size)

    @property
    def batches_per_epoch(self) -> int:
        """How many batches an epoch has, the same in each.

        The most that can be filled with P different speakers from the places that the balance gives them: S // P
        where every speaker has one.
        """
        return self.epoch.batches

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        step = self.start
        epoch, position = divmod(step, self.batches_per_epoch)
        while True:
            batches = self._arrange(epoch)
            for speakers in batches[position:]:
                yield self._batch(step, speakers)
                step += 1
            if self.hard is not None:
                return
            epoch, position = epoch + 1, 0

    def _arrange(self, epoch: int) -> IntArray:
        # Seeds that differ in trailing zeros are one: only the 1 keeps this stream apart from other [seed, n].
        rng = np.random.default_rng([self.seed, epoch, 0, 1])
        if self.hard is None or self.hard.centroids is None:
            return self.epoch.arrange(rng)
        known, speakers = len(self.hard.centroids), len(self.layout.speaker_start) - 1
        if known != speakers:
            raise TrainingError(f"There are centroids of {known} speakers, but {speakers} to sample from.")
        return self.hard.arrange(self.p, rng)

    def _batch(self, step: int, speakers: IntArray) -> list[tuple[int, int]]:
        epoch, position = divmod(step, self.batches_per_epoch)
        rng = np.random.default_rng([self.seed, epoch, position + 1])
        # All processes draw the whole batch and keep their share: the same chance for any number of them.
        drawn = draw(self.layout, speakers, self.k, rng)[self.share]
        first = (step * self.p + self.share.start) * self.k
        return list(zip(drawn.ravel().tolist(), range(first, first + drawn.size), strict=True))


def share_of_speakers(p: int, rank: int, world_size: int) -> slice:
    """Return which of the P speakers of a batch are those of a process, as ``np.array_split`` cuts them.

    >>> [share_of_speakers(7, rank, 2) for rank in range(2)]
    [slice(0, 4, None), slice(4, 7, None)]
    """
    share = np.array_split(np.arange(p), world_size)[rank]
    return slice(int(share[0]), int(share[-1]) + 1)


def _require_options(p: int, balance: str, rank: int, world_size: int, hard: bool, groups: bool) -> None:
    if balance not in ("speaker", "utterance"):
        raise TrainingError(f"A batch is balanced by 'speaker' or 'utterance', not by {balance!r}.")
    if not 0 <= rank < world_size:
        raise TrainingError(f"Rank {rank} is none of {world_size} processes, which count from 0.")
    if p < world_size:
        raise TrainingError(
            f"A batch of {p} speakers cannot be shared by {world_size} processes; raise batch.speakers."
        )
    if hard and (groups or balance == "utterance"):
        raise TrainingError(
            "Hard speakers go with neither groups nor a balance by utterances; leave one out."
        )
