"""A training run, from the manifest to the best bundle."""

from collections.abc import Callable
from contextlib import nullcontext
from os import PathLike
from pathlib import Path

from speakertrip.config import TrainConfig
from speakertrip.training.interrupts import interruptible
from speakertrip.training.lock import held
from speakertrip.training.processes import leads, on_any
from speakertrip.training.record import StepRecord
from speakertrip.training.run import Run
from speakertrip.training.source import SourceOpener, open_source


def train(
    config: TrainConfig,
    data: str | PathLike[str],
    out: str | PathLike[str],
    resume: bool = False,
    device: str = "auto",
    init: str | PathLike[str] | None = None,
    on_decode: Callable[[int], None] = lambda done: None,
    on_record: Callable[[StepRecord], None] = lambda record: None,
    on_message: Callable[[str], None] = lambda sentence: None,
    source_of: SourceOpener = open_source,
) -> bool:
    """Train an encoder with the multi-sample triplet loss, or another.

    Within ``process_group`` all processes must call it, and each has a share of every batch.

    Writes ``out/config.json``, ``out/run.json`` (what made the run), ``out/metrics.jsonl``,
    ``out/checkpoint.safetensors`` (the one before it stays as ``out/checkpoint.previous.safetensors``), whenever the
    validation error rate is the lowest so far ``out/bundle``, and what ``config.watch`` asks for. An interrupt
    (Ctrl-C, SIGTERM, SIGHUP) ends the step, saves, and returns; a second one stops at once. ``out/run.lock`` is locked
    meanwhile, by the process that leads.

    A resumed run ends as the uninterrupted one would have, however it ended: on one process on the CPU to the bit.

    Args:
        config: everything but the data.
        data: a folder that holds ``config.data.manifest``; only that manifest and its audio are read.
        out: the folder of the run.
        resume: go on from the checkpoint in ``out``; where there is none yet, begin, and warn of it, so that a run
            that is restarted whenever it ends has one command.
        device: "auto", "cpu", "cuda" or "mps".
        init: a bundle, or a checkpoint of another run, whose encoder's weights the run begins with as far as they
            fit (``speakertrip.training.initial``); None: random ones. A resumed run has its weights already.
        on_decode: called with the number of utterances decoded into memory since the last call.
        on_record: called with the record of each step that is worth a line.
        on_message: called with a sentence of what the run began with.
        source_of: opens the audio of the training utterances; several runs on the same may share what is decoded.

    Returns:
        True if it came to its end: all steps, or ``validation.patience``; False if it was interrupted.

    Raises:
        UsageError: ``out`` holds a run already, which is not to be resumed, another process trains in it, or an extra
            is not installed.
        DataError, AudioError, StorageError: the manifest, the audio or ``out`` cannot be used.
        BundleError, ConfigError: ``init`` cannot be used, or is of another front end or kind of encoder.
        TrainingError: too few speakers; or, as ``DivergedError``, a loss or embeddings that are not finite, or
            embeddings that have collapsed.
    """
    with held(Path(out)) if leads() else nullcontext():
        run = Run(config, data, out, resume, device, init, on_decode, on_message, source_of)
        last, every = config.optimizer.steps, config.checkpoint.every
        with interruptible() as interrupted:
            for step in range(run.progress.step + 1, last + 1):
                if run.at_end:  # before all steps are done: the error rate falls no more
                    break
                result = run.step(step)
                stop = on_any(interrupted())
                due = step % config.validation.every == 0 or step == last
                validated = run.validate(step) if due else None
                record, worth = run.record(step, result, validated)
                if due or stop or (every and step % every == 0):
                    run.save(step)
                if worth:
                    on_record(record)
                if stop:
                    break
        return run.at_end
