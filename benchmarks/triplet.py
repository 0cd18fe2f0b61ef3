"""Time and memory of the multi-sample triplet loss, forward and backward, against what others do in the same run.

Peers: pytorch-metric-learning's TripletMarginLoss over all triplets, its batch-hard and its semi-hard ones, and the
same mean over all positives and negatives by a batch x batch matrix.

The ratios at 1,024 are of medians in one process, where the two take turns: whatever else the machine does then slows
both alike. The table is of each method in a process of its own, for its memory.

Targets, on one thread: at 1,024 utterances at least 1,000 x faster than all triplets and 30 x than batch-hard; each
miner with the loss no slower than the peer's batch-hard; less than 300 MB of extra memory at 65,536; time linear in
the batch (log-log slope 1.0 ± 0.1 up to 16,384, and per utterance at 65,536 at most 3 x that at 4,096).

    python benchmarks/triplet.py
"""

import math
import multiprocessing
import resource
import statistics
import threading
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from speakertrip.losses import MultiSampleTripletLoss
from speakertrip.miners import (
    BatchHard,
    DistanceWeighted,
    HardestShare,
    HardestSpeakers,
    Miner,
    Random,
    SemiHard,
)

DIM, K, MARGIN = 192, 4, 0.4
SIZES = (256, 1_024, 4_096, 16_384, 65_536)
LARGEST_MATRIX, LARGEST_PEER = 16_384, 4_096  # beyond, a peer takes minutes or more memory than there is
MINED = (256, 1_024, 4_096)
Loss = Callable[[Tensor, Tensor], Tensor]


def linear(embeddings: Tensor, labels: Tensor) -> Tensor:
    """Ours: over everything, by sums per speaker."""
    loss: Tensor = MultiSampleTripletLoss(MARGIN)(embeddings, labels)
    return loss


def matrix(embeddings: Tensor, labels: Tensor) -> Tensor:
    """The same loss by all distances between rows."""
    norms = embeddings.square().sum(dim=1)
    distances = norms[:, None] + norms - 2 * embeddings @ embeddings.T
    same = labels[:, None] == labels
    positives = (distances * same).sum(dim=1) / (same.sum(dim=1) - 1)  # the own distance is 0
    negatives = (distances * ~same).sum(dim=1) / (~same).sum(dim=1)
    return (positives - negatives + MARGIN).clamp_min(0).mean()


def mined_by(miner: Miner) -> Loss:
    """Ours, over the sets of a miner."""

    def loss(embeddings: Tensor, labels: Tensor) -> Tensor:
        value: Tensor = MultiSampleTripletLoss(MARGIN)(embeddings, labels, miner(embeddings, labels))
        return value

    return loss


def peer_all(embeddings: Tensor, labels: Tensor) -> Tensor:
    """pytorch-metric-learning, all triplets."""
    return _peer()(embeddings, labels)


def peer_batch_hard(embeddings: Tensor, labels: Tensor) -> Tensor:
    """pytorch-metric-learning, its batch-hard triplets."""
    from pytorch_metric_learning.distances import LpDistance
    from pytorch_metric_learning.miners import BatchHardMiner

    miner = BatchHardMiner(distance=LpDistance(normalize_embeddings=False, power=2))
    return _peer()(embeddings, labels, miner(embeddings, labels))


def peer_semi_hard(embeddings: Tensor, labels: Tensor) -> Tensor:
    """pytorch-metric-learning, its semi-hard triplets."""
    from pytorch_metric_learning.distances import LpDistance
    from pytorch_metric_learning.miners import TripletMarginMiner

    distance = LpDistance(normalize_embeddings=False, power=2)
    miner = TripletMarginMiner(margin=MARGIN, type_of_triplets="semihard", distance=distance)
    return _peer()(embeddings, labels, miner(embeddings, labels))


def _peer() -> Callable[..., Tensor]:
    from pytorch_metric_learning.distances import LpDistance
    from pytorch_metric_learning.losses import TripletMarginLoss

    loss: Callable[..., Tensor] = TripletMarginLoss(
        margin=MARGIN, distance=LpDistance(normalize_embeddings=False, power=2)
    )
    return loss


METHODS: dict[str, tuple[Loss, int]] = {
    "everything, by sums": (linear, SIZES[-1]),
    "everything, by a matrix": (matrix, LARGEST_MATRIX),
    "peer, all triplets": (peer_all, 1_024),
    "peer, batch-hard": (peer_batch_hard, LARGEST_PEER),
    "peer, semi-hard": (peer_semi_hard, 1_024),
    "batch-hard": (mined_by(BatchHard()), MINED[-1]),
    "hardest 5 %": (mined_by(HardestShare(0.05)), MINED[-1]),
    "8 hardest speakers": (mined_by(HardestSpeakers(8)), SIZES[-1]),
    "semi-hard": (mined_by(SemiHard(MARGIN)), MINED[-1]),
    "8 at random": (mined_by(Random(8, seed=0)), MINED[-1]),
    "8 distance-weighted": (mined_by(DistanceWeighted(8, seed=0)), MINED[-1]),
}


def batch(size: int, utterances: int = K) -> tuple[Tensor, Tensor]:
    """Utterances of unit length around their speakers, as a half-trained encoder gives them (batch EER about 5 %)."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(size) // utterances
    speakers = torch.randn(size // utterances, DIM, generator=generator)
    noise = torch.randn(size, DIM, generator=generator)
    return functional.normalize(speakers[labels] + 1.8 * noise, dim=1), labels


def measure(
    name: str, size: int, answers: "multiprocessing.Queue[tuple[float, float]]", utterances: int = K
) -> None:
    """Put (median seconds, extra MB) of a method into the queue; run in a process of its own, for its peak memory."""
    torch.set_num_threads(1)
    loss, _ = METHODS[name]
    small, few = batch(64)
    loss(small.requires_grad_(), few).backward()  # type: ignore[no-untyped-call]  # imports, thread pools
    embeddings, labels = batch(size, utterances)
    embeddings.requires_grad_()
    before = resident()
    with Peak() as peak:
        times = [once(loss, embeddings, labels)]
    runs = min(300, max(2, math.ceil(2.0 / times[0])))
    times = [once(loss, embeddings, labels) for _ in range(runs if times[0] < 60 else 0)] or times
    answers.put((statistics.median(times), (peak.highest - before) / 1e6))


def take_turns(name: str, peer: str, answers: "multiprocessing.Queue[tuple[float, float]]") -> None:
    """Put the median seconds of a method and of a peer at 1,024 into the queue; run in a process of its own."""
    torch.set_num_threads(1)
    embeddings, labels = batch(1_024)
    embeddings.requires_grad_()
    seconds: dict[str, list[float]] = {peer: [], name: []}
    while len(seconds[peer]) < 5 or sum(map(sum, seconds.values())) < 4:
        for method, times in (
            (peer, 1),
            (name, 10),
        ):  # several: the first finds the caches full of the peer's
            seconds[method] += [once(METHODS[method][0], embeddings, labels) for _ in range(times)]
    answers.put((statistics.median(seconds[name]), statistics.median(seconds[peer])))


def ratio(name: str, peer: str) -> float:
    """Return how many times as long the peer takes as a method, at 1,024."""
    context = multiprocessing.get_context("spawn")
    answers: multiprocessing.Queue[tuple[float, float]] = context.Queue()
    process = context.Process(target=take_turns, args=(name, peer, answers))
    process.start()
    process.join()
    if process.exitcode:
        raise RuntimeError(f"{name} beside {peer} ended with {process.exitcode}")
    ours, theirs = answers.get()
    return theirs / ours


def once(loss: Loss, embeddings: Tensor, labels: Tensor) -> float:
    """Return the seconds of a forward and a backward pass."""
    embeddings.grad = None
    began = time.perf_counter()
    loss(embeddings, labels).backward()  # type: ignore[no-untyped-call]
    return time.perf_counter() - began


class Peak:
    """Highest resident memory within a block, looked at every 2 ms, or as the kernel keeps it if that is higher."""

    def __enter__(self) -> "Peak":
        self.highest, self.done = resident(), threading.Event()
        self.before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        self.thread = threading.Thread(target=self._watch)
        self.thread.start()
        return self

    def _watch(self) -> None:
        while not self.done.wait(0.002):
            self.highest = max(self.highest, resident())

    def __exit__(self, *_: object) -> None:
        self.done.set()
        self.thread.join()
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        if after > self.before:
            self.highest = max(self.highest, after * 1024)


def resident() -> int:
    """Return the resident memory of this process, in bytes."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def alone(name: str, size: int, utterances: int = K) -> tuple[float, float] | None:
    """Measure in a new process; None where that fails, for want of memory as a rule."""
    context = multiprocessing.get_context("spawn")
    answers: multiprocessing.Queue[tuple[float, float]] = context.Queue()
    process = context.Process(target=measure, args=(name, size, answers, utterances))
    process.start()
    process.join()
    return answers.get() if process.exitcode == 0 else None


def main() -> None:
    """Print a table, then each target with what was reached."""
    found: dict[tuple[str, int], tuple[float, float]] = {}
    print(f"{'forward + backward, ms (extra MB)':<26}" + "".join(f"{size:>20,}" for size in SIZES))
    for name, (_, largest) in METHODS.items():
        for size in [size for size in SIZES if size <= largest]:
            if measured := alone(name, size):
                found[name, size] = measured
        cells = [found.get((name, size)) for size in SIZES]
        texts = [f"{1e3 * cell[0]:,.1f} ({cell[1]:,.0f})" if cell else "-" for cell in cells]
        print(f"{name:<26}" + "".join(f"{text:>20}" for text in texts), flush=True)

    seconds = {key: value[0] for key, value in found.items()}
    ours, hard = "everything, by sums", "peer, batch-hard"
    print(f"\nall triplets / everything at 1,024: {ratio(ours, 'peer, all triplets'):,.0f} (at least 1,000)")
    print(f"peer's batch-hard / everything at 1,024: {ratio(ours, hard):,.0f} (at least 30)")
    for name in list(METHODS)[5:]:
        print(f"{name} / peer's batch-hard at 1,024: {1 / ratio(name, hard):.2f} (at most 1)")
    if few := alone("semi-hard", 1_024, utterances=512):
        print(
            f"semi-hard at 1,024 of 2 speakers, 523,264 pairs: {1e3 * few[0]:,.0f} ms, {few[1]:,.0f} MB "
            "(a byte for each pair and row: 536 MB)"
        )
    print(f"extra memory at 65,536: {found['everything, by sums', 65_536][1]:,.0f} MB (below 300)")
    points = [(math.log(size), math.log(seconds["everything, by sums", size])) for size in SIZES[1:4]]
    slope, _ = statistics.linear_regression(*zip(*points, strict=True))
    print(f"log-log slope from 1,024 to 16,384: {slope:.2f} (1.0 ± 0.1)")
    per_row = {size: seconds["everything, by sums", size] / size for size in SIZES}
    print(f"time per utterance at 65,536 / at 4,096: {per_row[65_536] / per_row[4_096]:.2f} (at most 3)")


if __name__ == "__main__":
    main()
