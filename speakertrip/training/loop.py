"""A training run, from the manifest to the best bundle."""

import hashlib
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from types import FrameType

from speakertrip.bundle import Bundle
from speakertrip.config import TrainConfig
from speakertrip.corpora import split_speakers
from speakertrip.embedding import Embedder, pick_device
from speakertrip.errors import ConfigError, UsageError
from speakertrip.losses import batch_eer
from speakertrip.manifests import read_manifest
from speakertrip.manifests.lines import write_lines
from speakertrip.training.batches import Batches, EpochCentroids
from speakertrip.training.card import model_card
from speakertrip.training.checkpoint import Origin, Progress, load_checkpoint, save_checkpoint
from speakertrip.training.dataset import CropDataset
from speakertrip.training.record import MetricsFile, StepRecord
from speakertrip.training.source import open_source
from speakertrip.training.trainer import Trainer, learning_rate
from speakertrip.training.validation import Validation

REPORT_EVERY = 10  # steps; the in-batch EER looks at all pairs and is not free


def train(
    config: TrainConfig,
    data: str | PathLike[str],
    out: str | PathLike[str],
    resume: bool = False,
    device: str = "auto",
    init: str | PathLike[str] | None = None,
    on_decode: Callable[[int], None] = lambda done: None,
    on_record: Callable[[StepRecord], None] = lambda record: None,
) -> bool:
    """Train an encoder with the multi-sample triplet loss, or another.

    Writes ``out/config.json``, ``out/metrics.jsonl``, ``out/checkpoint.safetensors`` and, whenever the
    validation error rate is the lowest so far, ``out/bundle``. An interrupt (Ctrl-C) ends the step, validates,
    saves, and returns; a second one stops at once.

    Args:
        config: everything but the data.
        data: a folder that holds ``config.data.manifest``; only that manifest and its audio are read.
        out: the folder of the run.
        resume: go on from the checkpoint in ``out``.
        device: "auto", "cpu", "cuda" or "mps".
        init: a bundle of the same front end and encoder whose weights the run begins with; None: random ones.
        on_decode: called with the number of utterances decoded into memory since the last call.
        on_record: called with the record of each step that is worth a line.

    Returns:
        True if all steps were done, False if it was interrupted.

    Raises:
        UsageError: ``out`` holds a run already, or none to resume, or a run is resumed with ``init``.
        DataError, AudioError, StorageError: the manifest, the audio or ``out`` cannot be used.
        BundleError, ConfigError: ``init`` cannot be used, or is of another front end or encoder.
        TrainingError: too few speakers, a loss that is not finite, or embeddings that have collapsed.
    """
    if resume and init:
        raise UsageError("A resumed run has its weights already: leave out the bundle to begin with.")
    run = Path(out)
    checkpoint = run / "checkpoint.safetensors"
    _require_run(run, checkpoint, resume)
    manifest = Path(data) / config.data.manifest
    kept, held = split_speakers(read_manifest(manifest), config.validation.speakers, config.seed)
    validation = Validation(held, config)
    dataset = CropDataset(kept, open_source(kept, config.data.memory_gib, on_decode), config, data)

    trainer = Trainer(config, pick_device(device), dataset.speakers)
    embedder = Embedder(trainer.model, device)
    centroids = None
    if config.batch.hard_share:
        centroids = EpochCentroids(dataset.speakers, config.encoder.embedding_dim)
        trainer.modules["centroids"] = centroids
    origin = Origin(config, hashlib.sha256(manifest.read_bytes()).hexdigest())
    progress = Progress()
    if init:
        _begin_with(trainer, init, config)
    if resume:
        progress = load_checkpoint(checkpoint, trainer.modules, trainer.optimizer, origin)
    pinned = trainer.device.type == "cuda"
    batches = Batches(dataset, config, progress.step, centroids, pinned)
    write_lines(run / "config.json", [config.model_dump_json(indent=2)])
    metrics = MetricsFile(run / "metrics.jsonl", keep_until=progress.step)

    speed = _Speed()
    with _interruptible() as interrupted:
        for step in range(progress.step + 1, config.optimizer.steps + 1):
            waveforms, labels = batches.next()
            result = trainer.step(step, waveforms, labels)
            if centroids:
                centroids.add(result.embeddings, result.labels)
            speed.add(len(labels))

            stop = interrupted()
            calibration, best = None, False
            if stop or step % config.validation.every == 0 or step == config.optimizer.steps:
                with speed.paused():
                    calibration, backend = validation.run(embedder)
                    best = calibration.eer < progress.best_eer
                    progress = Progress(step, min(calibration.eer, progress.best_eer))
                    if best:
                        card = model_card(config, kept, step, calibration)
                        made = config.features, config.encoder, trainer.model, calibration, card, backend
                        Bundle(*made).save(run / "bundle")
            report = (
                calibration is not None or step == 1 or step % REPORT_EVERY == 0 or result.notice is not None
            )
            record = StepRecord(
                step=step,
                loss=result.loss,
                lr=learning_rate(step, config.optimizer),
                health=result.health,
                margin=result.margin,
                notice=result.notice,
                batch_eer=batch_eer(result.embeddings, result.labels) if report else None,
                utterances_per_second=speed.take() if report else None,
                validation_eer=calibration.eer if calibration else None,
                threshold=calibration.threshold if calibration else None,
                best=best,
            )
            metrics.append(record)
            if calibration:  # after its record, which a resumed run would otherwise lack
                with speed.paused():
                    save_checkpoint(checkpoint, trainer.modules, trainer.optimizer, progress, origin)
            if report:
                on_record(record)
            if stop:
                break
    return progress.step == config.optimizer.steps


def _begin_with(trainer: Trainer, init: str | PathLike[str], config: TrainConfig) -> None:
    """Load the encoder of a bundle; the loss begins anew."""
    bundle = Bundle.load(init)
    if (bundle.features, bundle.encoder) != (config.features, config.encoder):
        raise ConfigError(
            f"The bundle {init} has another front end or encoder than the configuration; make them alike."
        )
    trainer.begin_with(bundle.model)


def _require_run(run: Path, checkpoint: Path, resume: bool) -> None:
    if resume and not checkpoint.exists():
        raise UsageError(f"There is nothing to resume: {checkpoint} does not exist.")
    if not resume and checkpoint.exists():
        raise UsageError(f"{run} holds a run already; go on with --resume, or name another folder.")


@contextmanager
def _interruptible() -> Iterator[Callable[[], bool]]:
    """Within it the first Ctrl-C only sets a flag, which the caller reads; the second interrupts."""
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():  # handlers belong to the main thread
        yield asked.is_set
        return

    def ask(number: int, frame: FrameType | None) -> None:
        asked.set()
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield asked.is_set
    finally:
        signal.signal(signal.SIGINT, before)


class _Speed:
    """Utterances per second since the last time it was taken, pauses left out."""

    def __init__(self) -> None:
        self.utterances, self.began = 0, time.perf_counter()

    def add(self, utterances: int) -> None:
        self.utterances += utterances

    @contextmanager
    def paused(self) -> Iterator[None]:
        pause = time.perf_counter()
        yield
        self.began += time.perf_counter() - pause

    def take(self) -> float:
        now = time.perf_counter()
        rate = self.utterances / (now - self.began)
        self.utterances, self.began = 0, now
        return rate
