"""The batches of a run, from any step on."""

from collections.abc import Iterator
from copy import copy

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from speakertrip.config import TrainConfig
from speakertrip.losses.across import own_rank, processes
from speakertrip.manifests import Utterance
from speakertrip.samplers import HardSpeakers, PKSampler, SpeakerCentroids
from speakertrip.training.dataset import CropDataset
from speakertrip.training.loader import CropLoader


class EpochCentroids(nn.Module):
    """Where each speaker's embeddings lay in the last epoch, and lie in this one; kept in ``state_dict``.

    Args:
        speakers: in training, each speed factor counted.
        dim: of an embedding.

    Attributes:
        last: ``(speakers, dim)``, unit rows; zeros for speakers not seen yet.
        sums: ``(speakers, dim)``, of this epoch so far.
    """

    last: Tensor
    sums: Tensor

    def __init__(self, speakers: int, dim: int) -> None:
        super().__init__()
        self.seen = SpeakerCentroids(speakers, dim)
        self.register_buffer("sums", torch.from_numpy(self.seen.sums))  # the same memory
        self.register_buffer("last", torch.zeros(speakers, dim))

    def add(self, embeddings: Tensor, labels: Tensor) -> None:
        """Take in the embeddings ``(batch, dim)`` of a step."""
        self.seen.add(embeddings.cpu().numpy(), labels.cpu().numpy())

    def begin_epoch(self) -> None:
        """Close the epoch; a speaker that it left out keeps its place."""
        means = torch.from_numpy(self.seen.mean())
        self.last = torch.where(means.any(dim=1, keepdim=True), means, self.last)
        self.sums.zero_()

    def known(self) -> npt.NDArray[np.float32] | None:
        """Return the centroids of the last epoch; None before there was one."""
        return self.last.numpy() if bool(self.last.any()) else None


class Batches:
    """An endless stream of batches ``((batch, samples), (batch,))``, each valid until the next.

    Of several processes each gets its share of the speakers of a batch; together they have the crops that one process
    would have.

    With hard speakers each epoch is arranged by the centroids of the last one, for which it must be over: batches
    are prepared ahead within an epoch only.

    Args:
        dataset: of crops.
        config: of the run.
        done: steps done.
        centroids: as they were after those steps; None where ``config.batch.hard_share`` is 0.
        pinned: put batches where a GPU can fetch them while it computes.
    """

    def __init__(
        self,
        dataset: CropDataset,
        config: TrainConfig,
        done: int,
        centroids: EpochCentroids | None,
        pinned: bool = False,
    ) -> None:
        self.dataset, self.centroids, self.step = dataset, centroids, done
        self.hard = HardSpeakers(config.batch.hard_share) if centroids else None
        self.sampler = PKSampler(
            dataset.labels,
            dataset.sessions,
            p=config.batch.speakers,
            k=config.batch.utterances,
            seed=config.seed,
            start=done,
            groups=dataset.groups,
            balance=config.batch.balance,
            rank=own_rank(),
            world_size=processes(),
            hard=self.hard,
        )
        size = len(range(config.batch.speakers)[self.sampler.share]) * config.batch.utterances
        loading = config.data.workers, config.data.prefetch
        self.loader = CropLoader(dataset, self.sampler, size, *loading, pinned)
        self.epoch = self._begin(new=done % self.sampler.batches_per_epoch == 0)

    def next(self) -> tuple[Tensor, Tensor]:
        """Return the batch of the next step."""
        batch = next(self.epoch, None)
        if batch is None:  # with hard speakers the stream ends with the epoch
            self.epoch = self._begin(new=True)
            batch = next(self.epoch)
        self.step += 1
        return batch

    def utterances(self) -> list[Utterance]:
        """Return the utterance of each row of the batch that was given last."""
        again = copy(self.sampler)
        again.start = self.step - 1
        return [self.dataset.utterance(row) for row, _ in next(iter(again))]

    def _begin(self, new: bool) -> Iterator[tuple[Tensor, Tensor]]:
        if self.centroids and self.hard:
            if new:
                self.centroids.begin_epoch()
            known = self.centroids.known()
            if known is not None:
                self.hard.update(known)
        self.sampler.start = self.step
        return iter(self.loader)
