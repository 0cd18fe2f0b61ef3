"""Joining the processes that a launcher has started, and leaving them: as one, whatever ends one of them."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta

import torch
import torch.distributed as dist
from torch.distributed.distributed_c10d import PrefixStore, Store
from torch.distributed.rendezvous import rendezvous

from speakertrip.embedding import pick_device
from speakertrip.errors import INTERRUPTED, SpeakertripError, ToldElsewhereError, TrainingError, UsageError

ENVIRONMENT = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")  # what torchrun, or another launcher, sets
PATIENCE = timedelta(minutes=30)  # of a process for the others: one may decode more than another, or save


@contextmanager
def process_group(device: str = "auto") -> Iterator[None]:
    """Join the processes that a launcher has started, for as long as the context lasts.

    Without a launcher (none of ``ENVIRONMENT`` is set), or in a process that belongs to a group already, it does
    nothing. On a GPU, torch's "cuda" stands for that of this process, by its ``LOCAL_RANK``.

    An error on one process ends all of them: the others, whose next exchange fails, raise ``ToldElsewhereError`` with
    its exit code. Of several that fail at once only the first keeps its error.

    Args:
        device: to train on, as ``pick_device`` takes it: GPUs exchange by NCCL, CPUs by Gloo.

    Raises:
        UsageError: the device is not available, there are fewer GPUs than processes on this machine, or only some of
            ``ENVIRONMENT`` are set.
        TrainingError: the processes do not meet, or one is gone.
        ToldElsewhereError: another process failed, and says why.
    """
    if dist.is_initialized() or not launched():
        yield
        return
    try:
        store, rank, world = next(rendezvous("env://", timeout=PATIENCE))
        store = PrefixStore(_attempt(), store)
    except (RuntimeError, ValueError) as error:
        place = f"{os.environ['MASTER_ADDR']}:{os.environ['MASTER_PORT']}"
        raise TrainingError(f"The processes cannot meet at {place} ({_first_line(error)}).") from error
    try:
        backend = _claim(device)
        dist.init_process_group(backend, store=store, rank=rank, world_size=world, timeout=PATIENCE)
        yield
    except BaseException as error:  # told before this process leaves the group, which is when others notice
        told = _tell(store, error)
        if told is error:
            raise
        raise told from error
    finally:
        if dist.is_initialized():
            dist.destroy_process_group()


def local_place() -> tuple[int, int]:
    """Return the rank of this process among those of its machine, and their number."""
    return int(os.environ.get("LOCAL_RANK", 0)), int(os.environ.get("LOCAL_WORLD_SIZE", 1))


def launched() -> bool:
    """Tell whether a launcher started this process; with half of its variables each process would train alone."""
    missing = [name for name in ENVIRONMENT if not os.environ.get(name)]
    if missing and len(missing) < len(ENVIRONMENT):
        there = [name for name in ENVIRONMENT if name not in missing]
        raise UsageError(
            f"Of a launcher's variables {', '.join(there)} is set but not {', '.join(missing)}; start with torchrun, "
            "which sets all of them, or unset them to train as one process."
        )
    return not missing


def _claim(device: str) -> str:
    """Return the backend of a device, and take the GPU of this process."""
    kind, local, here = pick_device(device).type, *local_place()
    if kind == "mps":
        raise UsageError(
            "Processes on MPS cannot exchange anything; train with --device cpu, or as one process."
        )
    if kind != "cuda":
        return "gloo"
    if here > torch.cuda.device_count():
        raise UsageError(
            f"There are {here} processes on this machine, but {torch.cuda.device_count()} GPUs; lower "
            "--nproc-per-node, or train with --device cpu."
        )
    torch.cuda.set_device(local)
    return "nccl"


def _attempt() -> str:
    """Return a name for this start of the processes, for what they leave in the store.

    Restarted on one machine, processes may find the store of those before them. Machines count their restarts apart, so
    that no count names the start of several; with ``TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1`` they meet at a new store.
    """
    alone = os.environ.get("GROUP_WORLD_SIZE", "1") == "1"
    return f"attempt {os.environ.get('TORCHELASTIC_RESTART_COUNT', '0') if alone else ''}"


def _tell(store: Store, error: BaseException) -> BaseException:
    """Return what a process is to raise that fails with an error: that error, if none has failed before."""
    if isinstance(error, RuntimeError) and (isinstance(error, dist.DistError) or "gloo" in str(error)):
        error = TrainingError(
            f"A process of this training is gone ({_first_line(error)}); see whether it was killed, for memory or "
            "otherwise, and go on with --resume, from the checkpoint if there is one yet."
        )
    code = INTERRUPTED if isinstance(error, KeyboardInterrupt) else SpeakertripError.exit_code
    with suppress(RuntimeError):  # the store is gone with the machine that held it
        if store.add("failures", 1) > 1:
            return ToldElsewhereError(int(store.get("exit code")))
        store.set("exit code", str(getattr(error, "exit_code", code)))
    return error


def _first_line(error: BaseException) -> str:
    return str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__
