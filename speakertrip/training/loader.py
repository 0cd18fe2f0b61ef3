"""Batches of crops by worker processes, which write them where the trainer reads them."""

import signal
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from speakertrip.errors import SpeakertripError, StorageError, TrainingError
from speakertrip.training.dataset import CropDataset
from speakertrip.training.interrupts import SIGNALS

Places = Sequence[tuple[int, int]]  # (row, draw) of each crop of a batch
Filled = tuple[int, int, list[int]] | SpeakertripError


class CropLoader:
    """Batches ``((batch, samples), (batch,))`` of the places that a sampler names, in its order.

    Worker processes write their crops into a ring of batches in shared memory that is allocated once; only the
    number of a batch and its labels travel. Fresh shared memory for each batch, which is what torch's loader takes,
    costs a page fault for every 4 KiB: as much as decoding half of the crop.

    A batch is valid until the next one is taken; pinned ones are copies, which stay.

    Args:
        dataset: of crops.
        sampler: yields the places of a batch; as many in each.
        size: crops in a batch.
        workers: processes that prepare batches; 0: this one does.
        prefetch: batches that each worker prepares ahead.
        pinned: hand out copies where a GPU can fetch them while it computes.

    Raises:
        StorageError: there is not enough shared memory.
        TrainingError: within an iteration, a worker is gone.
        SpeakertripError: likewise, what the dataset raises, in whichever process.
    """

    def __init__(
        self,
        dataset: CropDataset,
        sampler: Iterable[Places],
        size: int,
        workers: int,
        prefetch: int,
        pinned: bool = False,
    ) -> None:
        self.pinned = pinned
        # While one batch is in use the workers hold workers x prefetch: torch asks for a new one with each it gives.
        steps = dataset.config.optimizer.steps
        longest = max(dataset.samples(0), dataset.samples(dataset.batch * (steps - 1)))
        shape = (workers * prefetch + 1, size, longest)
        self.ring = _shared(shape) if workers else torch.empty(shape)
        self.loader: DataLoader[Any] = DataLoader(
            _Slots(dataset, self.ring),
            sampler=_Numbered(sampler, len(self.ring)),
            batch_size=None,
            collate_fn=_as_it_is,
            num_workers=workers,
            prefetch_factor=prefetch if workers else None,
            worker_init_fn=_leave_interrupts_to_parent,
        )

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        for filled in self._filled():
            if isinstance(filled, SpeakertripError):
                raise filled
            slot, samples, labels = filled
            crops = self.ring[slot, :, :samples]
            yield (crops.pin_memory() if self.pinned else crops), torch.tensor(labels)

    def _filled(self) -> Iterator[Filled]:
        """Yield what ``_Slots`` returns."""
        with _deaths_noticed_while_waiting():
            filled = iter(self.loader)
        try:
            yield from filled
        except RuntimeError as error:
            if not str(error).startswith("DataLoader worker"):
                raise
            raise TrainingError(
                f"A process that prepares batches is gone ({str(error).strip()}); see whether it was killed, for "
                "memory or otherwise, lower data.workers, and go on from the checkpoint with --resume."
            ) from error


class _Slots(Dataset[Filled]):
    """Fills a slot of the ring with the crops of a batch; returns its number, their length, and their labels.

    An error that is meant for the user is returned too: torch would raise it as a text that holds a traceback.
    """

    def __init__(self, dataset: CropDataset, ring: Tensor) -> None:
        self.dataset, self.ring = dataset, ring

    def __getitem__(self, task: tuple[int, Places]) -> Filled:
        slot, places = task
        samples, labels = self.dataset.samples(places[0][1]), []
        try:
            for crop, place in zip(self.ring[slot, :, :samples], places, strict=True):
                waveform, label = self.dataset[place]
                crop.copy_(waveform)
                labels.append(label)
        except SpeakertripError as error:
            return error
        return slot, samples, labels


class _Numbered:
    """The batches of a sampler, each with the slot that it is to fill."""

    def __init__(self, sampler: Iterable[Places], slots: int) -> None:
        self.sampler, self.slots = sampler, slots

    def __iter__(self) -> Iterator[tuple[int, Places]]:
        for number, places in enumerate(self.sampler):
            yield number % self.slots, places


def _shared(shape: tuple[int, ...]) -> Tensor:
    try:
        shared: Tensor = torch.empty(shape).share_memory_()  # type: ignore[no-untyped-call]
        return shared
    except RuntimeError as error:
        gib = 4 * torch.Size(shape).numel() / 2**30
        raise StorageError(
            f"The batches that workers prepare ahead take {gib:.2f} GiB of shared memory, which is not there; lower "
            "data.workers or data.prefetch, or enlarge /dev/shm."
        ) from error


@contextmanager
def _deaths_noticed_while_waiting() -> Iterator[None]:
    """Begin workers without torch's handler of SIGCHLD, which raises wherever the trainer is, as in writing a file.

    The loader looks after its workers while it waits for them; on Windows nothing else does.
    """
    sigchld = getattr(signal, "SIGCHLD", None)
    before = signal.getsignal(sigchld) if sigchld else None
    yield
    if sigchld and signal.getsignal(sigchld) is not before:  # else this is no main thread
        signal.signal(sigchld, before or signal.SIG_DFL)


def _as_it_is(item: Any) -> Any:
    return item


def _leave_interrupts_to_parent(worker: int) -> None:
    for (
        number
    ) in SIGNALS:  # clusters and terminals send them to all processes, and the parent wants its last batch
        signal.signal(number, signal.SIG_IGN)
