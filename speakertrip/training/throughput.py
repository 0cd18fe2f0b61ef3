"""How fast a run goes, what it waits for, and what memory it takes."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import torch

GIB = 2**30


class Throughput:
    """Utterances per second since the last time it was taken, pauses left out, and the share spent waiting for them."""

    def __init__(self) -> None:
        self.utterances, self.waited, self.began = 0, 0.0, time.perf_counter()

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Count what is within as time that the next batch was not there."""
        began = time.perf_counter()
        yield
        self.waited += time.perf_counter() - began

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Leave out what is within: validation and saving."""
        began = time.perf_counter()
        yield
        self.began += time.perf_counter() - began

    def add(self, utterances: int) -> None:
        """Count the utterances of a step."""
        self.utterances += utterances

    def take(self) -> tuple[float, float]:
        """Return utterances per second and the share of the time spent waiting, ``0 .. 1``, and begin anew."""
        now = time.perf_counter()
        seconds = now - self.began
        taken = self.utterances / seconds, self.waited / seconds
        self.utterances, self.waited, self.began = 0, 0.0, now
        return taken


def peak_memory(device: torch.device) -> float | None:
    """Return the most memory so far, in GiB: allocated on a GPU, else of this process; None where nothing tells."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / GIB
    if sys.platform == "win32":
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak * (1 if sys.platform == "darwin" else 1024) / GIB
