"""Processes that torchrun starts on one machine, and that share the chunks of a manifest.

They form no group and exchange nothing: each embeds every n-th chunk into one folder, where the first waits for those
of the others. It also writes the result and talks to the user. When one fails, torchrun ends the others.
"""

import os
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

import torch

from speakertrip.errors import SpeakertripError, SpeakertripWarning, UsageError

VARIABLES = ("RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE")  # of torchrun
POLL = 0.1  # seconds between two looks at the folder
PATIENCE = 10.0  # seconds after which the first process says what it waits for
GRACE = 60.0  # seconds in which the first process tells an error that all of them have, or what it waits for
Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Share:
    """Which chunks a process embeds.

    Attributes:
        rank: of the process, from 0.
        processes: how many there are.
        launcher: id of the process that started it, and ends it if another one fails.

    >>> list(Share(1, 3).of(8))
    [1, 4, 7]
    """

    rank: int = 0
    processes: int = 1
    launcher: int = field(default_factory=os.getppid)

    @property
    def leads(self) -> bool:
        """Whether this is the process that writes the result and talks to the user."""
        return self.rank == 0

    def of(self, chunks: int) -> range:
        """Return the numbers of its chunks, the same whatever is done already."""
        return range(self.rank, chunks, self.processes)

    def take_gpu(self, device: str) -> None:
        """Have torch's "cuda" stand for the GPU of this process; where there are too few, processes share them.

        Args:
            device: as ``pick_device`` takes it.
        """
        if self.processes > 1 and device in ("auto", "cuda") and torch.cuda.is_available():
            torch.cuda.set_device(self.rank % torch.cuda.device_count())

    def wait_for(self, look: Callable[[], Found | None], what: str) -> Found:
        """Return what ``look`` finds, as soon as it finds something.

        Args:
            look: called again and again.
            what: is waited for, in the words of a message.

        Raises:
            SpeakertripError: the launcher is gone, and nobody would end this process if another one fails.

        Warns:
            SpeakertripWarning: it takes long; with variables left over from elsewhere it would take for ever.
        """
        told_at = time.monotonic() + (PATIENCE if self.leads else GRACE)
        while not (found := look()):
            if os.getppid() != self.launcher:
                raise SpeakertripError(
                    "The launcher of this process is gone; run the same again, which goes on where it was."
                )
            if time.monotonic() >= told_at:
                told_at = float("inf")
                warnings.warn(
                    f"Process {self.rank} of {self.processes} (RANK and WORLD_SIZE) waits for {what}; if torchrun did "
                    "not start it, end it and unset WORLD_SIZE.",
                    SpeakertripWarning,
                    stacklevel=2,
                )
            time.sleep(POLL)
        return found

    @contextmanager
    def first_to_speak(self) -> Iterator[None]:
        """Delay an error that the first process has too: its message ends this one, and is not said by each."""
        try:
            yield
        except SpeakertripError:
            if not self.leads:
                time.sleep(GRACE)
            raise


ALONE = Share()


def launched_share() -> Share:
    """Return the share of this process as torchrun set it; without torchrun all is its own.

    Raises:
        UsageError: the processes are on several machines, or torchrun's variables are not all set, or not to numbers
            that it would set.
    """
    if (os.environ.get("WORLD_SIZE") or "1") == "1":
        return Share()
    missing = [name for name in VARIABLES if not os.environ.get(name)]
    if missing:
        raise UsageError(
            f"WORLD_SIZE is set but not {' and '.join(missing)}; start with torchrun, which sets all of them, or "
            "unset it to embed as one process."
        )
    values = [os.environ[name] for name in VARIABLES]
    numbers = [int(value) for value in values if value.isdecimal()]
    if len(numbers) < len(values) or numbers[0] >= numbers[1]:
        found = ", ".join(f"{name}={value!r}" for name, value in zip(VARIABLES, values, strict=True))
        raise UsageError(
            f"{found} is no process of so many; start with torchrun, which sets them, or unset WORLD_SIZE to embed as "
            "one process."
        )
    rank, processes, here = numbers
    share = Share(rank, processes)
    with share.first_to_speak():
        if here != processes:
            raise UsageError(
                f"{here} of {processes} processes are on this machine, but those of one manifest must all be; "
                "start torchrun without --nnodes, on each machine with a manifest and a folder of its own."
            )
    return share
