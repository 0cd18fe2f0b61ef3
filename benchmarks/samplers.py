"""How long the sampler takes to start, and for a batch, beside the samplers that others use.

VoxCeleb1 and 2 in size: 7,205 speakers, 1.2 million utterances, about 18 sessions a speaker; batches of 100 speakers
x 4 utterances. The peers are MPerClassSampler of pytorch-metric-learning, which knows P x K but no sessions, and
torch's RandomSampler, which knows neither. Utterances in random order are the worst for the caches at the start.

Targets: under 2 s to start; under 1 ms a batch, the median of 500. "max" is a batch that begins an epoch, whose
arrangement it waits for; "mean" spreads that over the epoch. Set OMP_NUM_THREADS=1 on a busy machine.
"""

import statistics
import time
from collections.abc import Callable, Iterator

import numpy as np
from pytorch_metric_learning.samplers import MPerClassSampler
from torch.utils.data import BatchSampler, RandomSampler

from speakertrip.samplers import HardSpeakers, PKSampler

SPEAKERS, UTTERANCES, SESSIONS, DIM = 7_205, 1_200_000, 18, 192
P, K = 100, 4
BATCHES, STARTS = 500, 3

Batches = Iterator[object]
Maker = Callable[[], tuple[float, Batches]]  # seconds to start, and the stream


def corpus() -> tuple[list[int], list[str | None]]:
    """Return the speaker and the session of each utterance, in the order of a manifest made from folders."""
    rng = np.random.default_rng(0)
    labels = np.sort(np.append(np.arange(SPEAKERS), rng.integers(SPEAKERS, size=UTTERANCES - SPEAKERS)))
    visits = np.sort(labels * SESSIONS + rng.integers(SESSIONS, size=UTTERANCES)) % SESSIONS
    return labels.tolist(), [f"{s}/{v}" for s, v in zip(labels.tolist(), visits.tolist(), strict=True)]


def started(make: Callable[[], PKSampler]) -> tuple[float, Batches]:
    """Start a sampler of this package; its stream begins so that an epoch ends within the batches timed."""
    began = time.perf_counter()
    sampler = make()
    seconds = time.perf_counter() - began
    sampler.start = max(0, sampler.batches_per_epoch - BATCHES // 2)
    return seconds, endless(sampler)


def endless(sampler: PKSampler) -> Batches:
    """Begin the next epoch where the stream ends with one."""
    while True:
        for batch in sampler:
            yield batch
            sampler.start += 1


def metric_learning(speakers: list[int]) -> tuple[float, Batches]:
    """Start the peer that knows P x K; it draws all batches of a pass when the pass begins."""
    began = time.perf_counter()
    epoch = SPEAKERS // P * P * K
    sampler = MPerClassSampler(speakers, m=K, batch_size=P * K, length_before_new_iter=epoch)
    seconds = time.perf_counter() - began
    return seconds, (batch for _ in iter(int, 1) for batch in BatchSampler(sampler, P * K, drop_last=True))


def plain(speakers: list[int]) -> tuple[float, Batches]:
    """Start the peer that draws utterances whoever speaks."""
    began = time.perf_counter()
    sampler = BatchSampler(RandomSampler(speakers), P * K, drop_last=True)
    return time.perf_counter() - began, iter(sampler)


def measure(make: Maker) -> tuple[float, list[float]]:
    """Return the median seconds to start, and the seconds of each batch."""
    starts = []
    for _ in range(STARTS):
        seconds, batches = make()
        starts.append(seconds)
    times = []
    for _ in range(BATCHES):
        began = time.perf_counter()
        next(batches)
        times.append(time.perf_counter() - began)
    return statistics.median(starts), times


def main() -> None:
    """Print each sampler, and the ratio of its mean batch to that of MPerClassSampler in the same run."""
    speakers, sessions = corpus()
    order = np.random.default_rng(0).permutation(UTTERANCES).tolist()
    mixed, mixed_sessions = [speakers[i] for i in order], [sessions[i] for i in order]
    unknown: list[str | None] = [None] * UTTERANCES
    one: list[str | None] = [str(speaker) for speaker in speakers]
    hard = HardSpeakers(share=0.5)
    hard.update(np.random.default_rng(1).normal(size=(SPEAKERS, DIM)).astype(np.float32))
    makers: dict[str, Maker] = {
        "MPerClassSampler": lambda: metric_learning(speakers),
        "torch RandomSampler": lambda: plain(speakers),
        "18 sessions a speaker": lambda: started(lambda: PKSampler(speakers, sessions, P, K, 0)),
        "sessions unknown": lambda: started(lambda: PKSampler(speakers, unknown, P, K, 0)),
        "one session a speaker": lambda: started(lambda: PKSampler(speakers, one, P, K, 0)),
        "18, in random order": lambda: started(lambda: PKSampler(mixed, mixed_sessions, P, K, 0)),
        "utterance-balanced": lambda: started(
            lambda: PKSampler(speakers, sessions, P, K, 0, balance="utterance")
        ),
        "hard speakers": lambda: started(lambda: PKSampler(speakers, sessions, P, K, 0, hard=hard)),
    }
    peer = 0.0
    for name, make in makers.items():
        start, times = measure(make)
        mean = statistics.mean(times)
        peer = peer or mean
        print(
            f"{name:<22} start {start:5.2f} s   batch: median {statistics.median(times) * 1e3:6.3f}  "
            f"mean {mean * 1e3:6.3f}  max {max(times) * 1e3:7.2f} ms   {mean / peer:5.2f} x MPerClassSampler"
        )


if __name__ == "__main__":
    main()
