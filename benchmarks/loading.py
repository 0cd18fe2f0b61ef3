"""Training crops per second from FLAC and from Opus, beside a plain soundfile loop and SpeechBrain's pipeline.

400 utterances of 10 s, crops of 2 s from a random place of a random utterance, by two processes each: ours and
SpeechBrain's by their loaders with two workers and batches of 64, which a third process receives; the floor by two
loops that seek, read and keep nothing. The floor is measured anew before each method, three times over, and the median
of the ratios counts: whatever else the machine does then slows both alike.

Targets: without augmentation at least 80 % of the floor; with it, 1,000 crops a second for each core that loads.

    python benchmarks/loading.py
"""

import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import torch

from speakertrip.audio import SAMPLE_RATE
from speakertrip.audio.codec import encode_bytes
from speakertrip.config import TrainConfig
from speakertrip.corpora.shards import write_shards
from speakertrip.corpora.voices import draw_channel, draw_voice, synthesize
from speakertrip.manifests import Utterance
from speakertrip.training.dataset import CropDataset
from speakertrip.training.loader import CropLoader
from speakertrip.training.source import open_source

FILES, VOICES, SECONDS, CROP = 400, 10, 10, 2 * SAMPLE_RATE
WORKERS, PREFETCH, BATCH = 2, 4, 64
TIME, ROUNDS = 2.0, 3  # seconds of each measurement, after the first batches; how many
Method = Callable[[list[Utterance], Path], float]

PLAIN = {"data": {"speeds": [1.0], "memory_gib": 0, "crop_seconds": 2.0}}
QUIET = {"equalize_probability": 0, "noise_probability": 0}
FULL = {"equalize_probability": 1, "noise_probability": 1}


def write_corpus(folder: Path) -> dict[str, list[Utterance]]:
    """Write the same synthetic voices as FLAC and as Opus."""
    rng = np.random.default_rng(0)
    formats = {"flac": ("FLAC", "PCM_16"), "opus": ("OGG", "OPUS")}
    utterances: dict[str, list[Utterance]] = {suffix: [] for suffix in formats}
    voices: list[tuple[float, dict[str, bytes]]] = []
    for number in range(FILES):
        if number < VOICES:  # copies of these will do: decoders do not know a voice again
            waveform = synthesize(draw_voice(rng), draw_channel(rng), SECONDS, rng)
            contents = {
                suffix: encode_bytes(waveform, SAMPLE_RATE, *codec) for suffix, codec in formats.items()
            }
            voices.append((len(waveform) / SAMPLE_RATE, contents))
        duration, contents = voices[number % VOICES]
        for suffix, content in contents.items():
            path = folder / f"{number:03}.{suffix}"
            path.write_bytes(content)
            utterances[suffix].append(Utterance(path.name, path, f"s{number % 40}", duration=duration))
    return utterances


def floor(utterances: list[Utterance]) -> float:
    """Return the crops per second of plain loops, each in a process of its own."""
    context = multiprocessing.get_context("fork")
    answers: multiprocessing.Queue[float] = context.Queue()
    paths = [str(utterance.path) for utterance in utterances]
    loops = [context.Process(target=_loop, args=(paths, seed, answers)) for seed in range(WORKERS)]
    for loop in loops:
        loop.start()
    return sum(answers.get() for _ in loops)


def _loop(paths: list[str], seed: int, answers: "multiprocessing.Queue[float]") -> None:
    rng = np.random.default_rng(seed)
    done, began = 0, time.perf_counter()
    while (passed := time.perf_counter() - began) < TIME:
        with soundfile.SoundFile(paths[rng.integers(len(paths))]) as sound:
            sound.seek(int(rng.integers(sound.frames - CROP)))
            sound.read(CROP, dtype="float32")
        done += 1
    answers.put(done / passed)


def ours(changes: dict[str, Any], shards: bool = False, memory: bool = False) -> Method:
    """Return a method: our loader, as training has it."""

    def crops(utterances: list[Utterance], folder: Path) -> float:
        data = {**PLAIN["data"], **changes.get("data", {})} | ({"memory_gib": 2.0} if memory else {})
        config = TrainConfig.model_validate({"data": data, "augment": changes["augment"]})
        if shards:
            utterances = write_shards(utterances, Path(tempfile.mkdtemp(dir=folder)))
        dataset = CropDataset(utterances, open_source(utterances, config.data.memory_gib), config)
        rng = np.random.default_rng(0)
        draws = rng.integers(len(dataset), size=(20_000, BATCH))
        batches = (
            [(int(row), draw) for draw, row in enumerate(rows, number * BATCH)]
            for number, rows in enumerate(draws)
        )
        return rate(CropLoader(dataset, batches, BATCH, WORKERS, PREFETCH))

    return crops


def speechbrain(utterances: list[Utterance], folder: Path) -> float:
    """Return the crops per second of SpeechBrain's pipeline, as its recipes for VoxCeleb have it."""
    from speechbrain.dataio import audio_io
    from speechbrain.dataio.dataloader import SaveableDataLoader
    from speechbrain.dataio.dataset import DynamicItemDataset
    from speechbrain.utils.data_pipeline import provides, takes

    rows = {
        utterance.id: {"wav": str(utterance.path), "samples": round((utterance.duration or 0) * SAMPLE_RATE)}
        for utterance in utterances
    }

    @takes("wav", "samples")  # type: ignore[untyped-decorator]
    @provides("sig")  # type: ignore[untyped-decorator]
    def pipeline(wav: str, samples: int) -> torch.Tensor:
        first = int(torch.randint(0, samples - CROP, ()).item())
        signal, _ = audio_io.load(wav, num_frames=CROP, frame_offset=first)
        return torch.as_tensor(signal).transpose(0, 1).squeeze(1)

    dataset = DynamicItemDataset(rows, dynamic_items=[pipeline], output_keys=["sig"])
    loader = SaveableDataLoader(
        dataset,
        batch_size=BATCH,
        sampler=torch.utils.data.RandomSampler(dataset, replacement=True, num_samples=10**7),
        collate_fn=lambda items: torch.stack([item["sig"] for item in items]),
        num_workers=WORKERS,
        prefetch_factor=PREFETCH,
    )
    return rate(loader)


def rate(loader: Iterable[Any]) -> float:
    """Return the crops per second of a loader, once every batch that it prepares ahead has been there."""
    batches = iter(loader)
    for _ in range(WORKERS * PREFETCH + 2):
        next(batches)
    done, began = 0, time.perf_counter()
    while (passed := time.perf_counter() - began) < TIME:
        next(batches)
        done += BATCH
    return done / passed


THREE_SPEEDS = {"data": {"speeds": [0.9, 1.0, 1.1]}, "augment": FULL}
METHODS: dict[str, Method] = {
    "files": ours({"augment": QUIET}),
    "shards": ours({"augment": QUIET}, shards=True),
    "memory": ours({"augment": QUIET}, memory=True),
    "files, equaliser and noise": ours({"augment": FULL}),
    "files, these and 3 speeds": ours(THREE_SPEEDS),
    "memory, these and 3 speeds": ours(THREE_SPEEDS, memory=True),
    "speechbrain": speechbrain,
}


def beside_floor(method: Method, utterances: list[Utterance], folder: Path) -> tuple[float, float, float]:
    """Return the medians of crops per second, of the floor's, and of their ratio."""
    rounds = []
    for _ in range(ROUNDS):
        lowest, found = floor(utterances), method(utterances, folder)
        rounds.append((found, lowest, found / lowest))
    return tuple(map(statistics.median, zip(*rounds, strict=True)))


def main() -> None:
    """Print a table for each format, then each target with what was reached."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        reached = {}
        for suffix, utterances in write_corpus(Path(name)).items():
            print(f"{suffix + ', crops of 2 s':<32}{'a second':>12}{'the floor':>12}{'ratio':>8}")
            for method in METHODS:
                found = reached[method, suffix] = beside_floor(METHODS[method], utterances, Path(name))
                print(f"{method:<32}{found[0]:>12,.0f}{found[1]:>12,.0f}{found[2]:>8.2f}", flush=True)
            print()
    for suffix in ("flac", "opus"):
        for method in ("files", "shards"):
            print(f"{suffix}, {method}: {reached[method, suffix][2]:.0%} of the floor (at least 80 %)")
        augmented = reached["files, these and 3 speeds", suffix][0] / WORKERS
        print(f"{suffix}, files, augmented: {augmented:,.0f} crops/s a core (1,000)")


if __name__ == "__main__":
    main()
