"""A run: what learns, from what, and the folder that keeps it."""

import hashlib
import warnings
from collections.abc import Callable
from dataclasses import replace
from os import PathLike
from pathlib import Path

import torch

from speakertrip.bundle import Bundle
from speakertrip.bundle.files import require_replaceable, write_folder
from speakertrip.config import TrainConfig, WatchConfig
from speakertrip.corpora import split_speakers
from speakertrip.embedding import Embedder, pick_device
from speakertrip.errors import DivergedError, SpeakertripWarning, UsageError
from speakertrip.losses import batch_eer
from speakertrip.losses.across import processes
from speakertrip.manifests import read_manifest
from speakertrip.manifests.lines import write_lines
from speakertrip.training.batches import Batches, EpochCentroids
from speakertrip.training.card import model_card
from speakertrip.training.checkpoint import Checkpoints, Origin, Progress
from speakertrip.training.dataset import CropDataset
from speakertrip.training.finite import finite
from speakertrip.training.initial import begin_with
from speakertrip.training.patience import Patience
from speakertrip.training.processes import leads, on_any, on_this_machine, require_alike
from speakertrip.training.provenance import provenance
from speakertrip.training.record import MetricsFile, StepRecord
from speakertrip.training.schedules import learning_rate
from speakertrip.training.source import LaterSource, SourceOpener
from speakertrip.training.throughput import Throughput, peak_memory
from speakertrip.training.trainer import StepResult, Trainer
from speakertrip.training.validation import Validated, Validation
from speakertrip.training.watch import Watch

REPORT_EVERY = 10  # steps; the in-batch EER looks at all pairs and is not free


class Run:
    """What a training run is made of, ready for its next step. See ``train`` for the arguments and errors.

    Attributes:
        progress: steps done and kept, and the lowest error rate so far.
    """

    def __init__(
        self,
        config: TrainConfig,
        data: str | PathLike[str],
        out: str | PathLike[str],
        resume: bool,
        device: str,
        init: str | PathLike[str] | None,
        on_decode: Callable[[int], None],
        on_message: Callable[[str], None],
        source_of: SourceOpener,
    ) -> None:
        self.config, self.folder, self.device = config, Path(out), device
        self.checkpoints = Checkpoints(self.folder)
        goes_on = self._goes_on(resume)
        require_replaceable(self.folder / "bundle")
        manifest = Path(data) / config.data.manifest
        self.kept, held = split_speakers(read_manifest(manifest), config.validation.speakers, config.seed)
        self.validation = Validation(held, config)
        manifest_hash = hashlib.sha256(manifest.read_bytes()).hexdigest()
        self.origin = Origin(config, manifest_hash, self.validation.held_out)
        source = LaterSource()
        dataset = CropDataset(self.kept, source, config, data)

        self.trainer = Trainer(config, pick_device(device), dataset.speakers)
        self.centroids, self.patience = self._carried(dataset.speakers)
        self.progress, self.best = Progress(), dict[str, bytes]()
        self.written = self.best
        if goes_on:
            state = self.trainer.modules, self.trainer.optimizer
            self.progress, self.best = self.checkpoints.load(*state, self.origin)
            self._compare_init(init)
        elif init is not None:
            loaded = begin_with(self.trainer, init, self.origin)
            self.progress = Progress(init=str(init))
            if leads():
                on_message(str(loaded))
        done = self.progress.step
        pinned = self.trainer.device.type == "cuda"
        self.batches = Batches(dataset, config, done, self.centroids, pinned)
        self.watch = Watch(config.watch if leads() else WatchConfig(), self.folder, done)
        self.provenance = provenance(
            step=done,
            seed=config.seed,
            manifest=manifest,
            sha256=self.origin.manifest,
            kept=self.kept,
            held=held,
            device=self.trainer.device,
            processes=processes(),
            init=self.progress.init,
        )
        require_alike(self.trainer.modules, self.progress, self.origin)
        memory_gib = config.data.memory_gib / on_this_machine()
        # As late as can be: whatever else refuses the run does so before hours of speech are decoded.
        source.opened = source_of(self.kept, memory_gib, on_decode if leads() else lambda done: None)
        if leads():
            self.provenance.append_to(self.folder)
            write_lines(self.folder / "config.json", [config.model_dump_json(indent=2)])
            self.metrics = MetricsFile(self.folder / "metrics.jsonl", keep_until=done)
        self.throughput = Throughput()
        self._write_bundle()  # the one there may be of a later step, or none

    def step(self, number: int) -> StepResult:
        """Learn from the next batch; steps count from 1."""
        with self.throughput.waiting():
            waveforms, labels = self.batches.next()
        # Whatever draws within the step (dropout) is to draw the same in a resumed run.
        torch.manual_seed(self.config.seed * 1_000_003 + number)
        with finite(number, waveforms, self.trainer.model, self.batches.utterances):
            result = self.trainer.step(number, waveforms, labels)
        if self.centroids:
            self.centroids.add(result.embeddings, result.labels)
        self.throughput.add(len(result.labels))
        return result

    def validate(self, number: int) -> tuple[Validated, bool]:
        """Return the calibration on the held-out speakers, and whether it is the best."""
        with self.throughput.paused():
            model = self.trainer.shipped
            try:
                found = self.validation.run(Embedder(model, self.device))
            except DivergedError as error:
                raise DivergedError(f"At step {number}: {error}") from None
            calibration, backend = found.calibration, found.backend
            if self.patience:
                self.patience.add(found.scores)
            best = calibration.eer < self.progress.best_eer
            if best:
                self.progress = replace(self.progress, best_eer=calibration.eer)
                facts = calibration, self.provenance.made_by, self.progress.init
                card = model_card(self.config, self.kept, number, *facts)
                made = (
                    self.config.features,
                    self.config.encoder,
                    model,
                    calibration,
                    card,
                    backend,
                )
                self.best = Bundle(*made).files()
            self.watch.validated(number, self.validation, found)
        return found, best

    def record(
        self, number: int, result: StepResult, validated: tuple[Validated, bool] | None
    ) -> tuple[StepRecord, bool]:
        """Write the record of a step, and return it and whether it is worth a line."""
        worth = leads() and (
            validated is not None or number == 1 or number % REPORT_EVERY == 0 or result.notice is not None
        )
        found, best = validated or (None, False)
        speed, waiting = self.throughput.take() if worth else (None, None)
        record = StepRecord(
            step=number,
            loss=result.loss,
            lr=learning_rate(number, self.config.optimizer),
            health=result.health,
            margin=result.margin,
            notice=result.notice,
            batch_eer=batch_eer(result.embeddings, result.labels) if worth else None,
            utterances_per_second=speed,
            waiting=waiting,
            memory_gib=peak_memory(self.trainer.device) if worth else None,
            validation_eer=found.calibration.eer if found else None,
            validation_eer_interval=found.calibration.eer_interval if found else None,
            validation_min_dcf={f"{p:g}": cost for p, cost in found.min_dcf.items()} if found else None,
            threshold=found.calibration.threshold if found else None,
            best=best,
            without_gain=int(self.patience.without_gain) if found and self.patience else None,
        )
        if leads():
            self.metrics.append(record)
            self.watch.add(record)
        return record, worth

    @property
    def at_end(self) -> bool:
        """Whether nothing is left to do: all steps are done, or the patience with the validations is spent."""
        spent = self.patience is not None and on_any(self.patience.spent)  # scores may differ by rounding
        return spent or self.progress.step == self.config.optimizer.steps

    def save(self, number: int) -> None:
        """Write the checkpoint of the steps done: after their records, which a resumed run would otherwise lack."""
        with self.throughput.paused():
            self.progress = replace(self.progress, step=number)
            if not leads():  # which has the same state
                return
            self.metrics.sync()
            state = self.trainer.modules, self.trainer.optimizer
            self.checkpoints.save(*state, self.progress, self.origin, self.best)
            self._write_bundle()

    def _write_bundle(self) -> None:
        """Make the bundle the one of the checkpoint, which is written first and can always give it again.

        One that has the same weights stays: it may have been given a backend since.
        """
        if leads() and self.best is not self.written:
            if not Bundle.same_model(self.folder / "bundle", self.best):
                write_folder(self.folder / "bundle", self.best)
            self.written = self.best

    def _carried(self, speakers: int) -> tuple[EpochCentroids | None, Patience | None]:
        """Return what is carried from step to step beside the trainer's own; a checkpoint keeps it as a module."""
        centroids = patience = None
        if self.config.batch.hard_share:
            centroids = EpochCentroids(speakers, self.config.encoder.embedding_dim)
            self.trainer.modules["centroids"] = centroids
        if self.config.validation.patience:
            sides = self.validation.enrollment_speakers, self.validation.test_speakers
            patience = Patience(self.config.validation.patience, self.validation.trials.targets, *sides)
            self.trainer.modules["patience"] = patience
        return centroids, patience

    def _compare_init(self, init: str | PathLike[str] | None) -> None:
        """Warn where a run that goes on is told another beginning than it had."""
        began = self.progress.init
        if init is not None and str(init) != began and leads():
            text = f"{self.folder} began with {began or 'random weights'}, not with {init}, and goes on as it is."
            warnings.warn(text, SpeakertripWarning, stacklevel=4)

    def _goes_on(self, resume: bool) -> bool:
        """Tell whether there is a checkpoint to go on from."""
        there_is = self.checkpoints.exist()
        if there_is and not resume:
            raise UsageError(
                f"{self.folder} holds a run already; go on with --resume, or name another folder."
            )
        if resume and not there_is and leads():
            text = f"There is no checkpoint in {self.folder} yet: the run begins anew."
            warnings.warn(text, SpeakertripWarning, stacklevel=4)
        return there_is
