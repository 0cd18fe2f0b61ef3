"""Processes, on one machine or on many, that train one model together: each has a share of every batch.

``torchrun`` starts them and tells each its rank. They run the same program on the same configuration, and keep the same
state: what they compute of a batch is that of the whole batch (``speakertrip.losses.across``), gradients are averaged,
and whatever decides how the run goes on is agreed. The first of them, rank 0, writes the files and talks to the user.
"""

import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.distributed_c10d import PrefixStore, Store
from torch.distributed.rendezvous import rendezvous

from speakertrip.config import BatchConfig
from speakertrip.embedding import pick_device
from speakertrip.errors import SpeakertripError, ToldElsewhereError, TrainingError, UsageError
from speakertrip.losses.across import gather_rows, own_rank, processes
from speakertrip.samplers.pk import share_of_speakers

FloatArray = npt.NDArray[np.float32]
Item = TypeVar("Item")
SomeModule = TypeVar("SomeModule", bound=nn.Module)
ENVIRONMENT = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")  # what torchrun, or another launcher, sets
PATIENCE = timedelta(minutes=30)  # of a process for the others: one may decode more than another, or save
STATISTICS = ("running_mean", "running_var")  # of batch normalisation
INTERRUPTED = 130


@contextmanager
def process_group(device: str = "auto") -> Iterator[None]:
    """Join the processes that a launcher has started, for as long as the context lasts.

    Without a launcher, or in a process that belongs to a group already, it does nothing. On a GPU, torch's "cuda"
    stands for that of this process, by its ``LOCAL_RANK``.

    An error on one process ends all of them: the others, whose next exchange fails, raise ``ToldElsewhereError`` with
    its exit code. Of several that fail at once only the first keeps its error.

    Args:
        device: to train on, as ``pick_device`` takes it: GPUs exchange by NCCL, CPUs by Gloo.

    Raises:
        UsageError: the device is not available, or there are fewer GPUs than processes on this machine.
        TrainingError: the processes do not meet, or one is gone.
        ToldElsewhereError: another process failed, and says why.
    """
    if dist.is_initialized() or not all(os.environ.get(name) for name in ENVIRONMENT):
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


def leads() -> bool:
    """Return whether this process is the one that writes files and talks to the user; alone it is."""
    return own_rank() == 0


def on_any(flag: bool) -> bool:
    """Return whether a flag is set on any process: the same answer on all."""
    if processes() == 1:
        return flag
    flags = torch.tensor(int(flag), device=_device())
    dist.all_reduce(flags)
    return bool(flags)


def from_each(sentence: str) -> list[str]:
    """Return what each process says, in the order of their ranks."""
    if processes() == 1:
        return [sentence]
    sentences = [""] * processes()
    dist.all_gather_object(sentences, sentence)
    return sentences


def of_all(rows: FloatArray) -> FloatArray:
    """Return the rows ``(own rows, dim)`` of all processes, in the order of their ranks."""
    if processes() == 1:
        return rows
    gathered: FloatArray = gather_rows(torch.from_numpy(rows).to(_device())).cpu().numpy()
    return gathered


def on_this_machine() -> int:
    """Return how many processes of the group this machine has; they share its memory."""
    return _local()[1] if processes() > 1 else 1


def place_in_batch(config: BatchConfig) -> tuple[int, int | None]:
    """Return the first row of this process in the batch, and the rows of all; None where it has them all."""
    if processes() == 1:
        return 0, None
    share = share_of_speakers(config.speakers, own_rank(), processes())
    return share.start * config.utterances, config.speakers * config.utterances


def own_share(items: Sequence[Item]) -> Sequence[Item]:
    """Return the share of this process; those of all ranks, one after the other, are the items.

    >>> own_share("abc")  # alone
    'abc'
    """
    count, rank = processes(), own_rank()
    return items[len(items) * rank // count : len(items) * (rank + 1) // count]


def average_across(module: nn.Module) -> None:
    """Average gradients, and the running statistics of batch normalisation, over all processes.

    To be called once in a step, after its last backward pass: one exchange of everything. That is why there is no
    ``DistributedDataParallel``: it exchanges within each backward pass, of which a step that encodes its batch in parts
    has many, and it would have to be told which is the last.
    """
    if processes() == 1:
        return
    tensors = [weight.grad for weight in module.parameters() if weight.grad is not None]
    tensors += [buffer for name, buffer in module.named_buffers() if name.endswith(STATISTICS)]
    with torch.no_grad():
        flat = torch.cat([tensor.flatten() for tensor in tensors])
        dist.all_reduce(flat)
        parts = torch.split(flat / processes(), [tensor.numel() for tensor in tensors])
        for tensor, part in zip(tensors, parts, strict=True):
            tensor.copy_(part.view_as(tensor))


def synchronised(module: SomeModule, device: torch.device) -> SomeModule:
    """Return a module whose batch normalisation, on several GPUs, takes the statistics of the whole batch.

    On CPUs, where torch has no such layer, each process normalises its share by itself.
    """
    if processes() == 1 or device.type != "cuda":
        return module
    converted: SomeModule = nn.SyncBatchNorm.convert_sync_batchnorm(module)  # type: ignore[no-untyped-call]
    return converted


def require_alike(module: nn.Module, *facts: object) -> None:
    """Check that all processes begin with the same weights, buffers and facts.

    Raises:
        TrainingError: on all of them, one differs.
    """
    if processes() == 1:
        return
    digest = hashlib.sha256(repr(facts).encode())
    for name, tensor in module.state_dict().items():
        digest.update(name.encode())
        if isinstance(tensor, Tensor):
            digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    own = torch.tensor(list(digest.digest()), device=_device())
    others = [torch.empty_like(own) for _ in range(processes())]
    dist.all_gather(others, own)
    different = [rank for rank, other in enumerate(others) if not torch.equal(other, others[0])]
    if different:
        raise TrainingError(
            f"Process {different[0]} begins with other weights, options or data than process 0; give all machines the "
            "same files (data, configuration, run folder) and the same versions of torch and speakertrip."
        )


def _claim(device: str) -> str:
    """Return the backend of a device, and take the GPU of this process."""
    kind, local, here = pick_device(device).type, *_local()
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


def _local() -> tuple[int, int]:
    """Return the rank of this process among those of its machine, and their number."""
    return int(os.environ.get("LOCAL_RANK", 0)), int(os.environ.get("LOCAL_WORLD_SIZE", 1))


def _attempt() -> str:
    """Return a name for this start of the processes, for what they leave in the store.

    Restarted on one machine, processes may find the store of those before them. Machines count their restarts apart;
    when one of several restarts, all meet at a new store.
    """
    alone = os.environ.get("GROUP_WORLD_SIZE", "1") == "1"
    return f"attempt {os.environ.get('TORCHELASTIC_RESTART_COUNT', '0') if alone else ''}"


def _device() -> str:
    return "cuda" if dist.get_backend() == "nccl" else "cpu"


def _tell(store: Store, error: BaseException) -> BaseException:
    """Return what a process is to raise that fails with an error: that error, if none has failed before."""
    if isinstance(error, RuntimeError) and (isinstance(error, dist.DistError) or "gloo" in str(error)):
        error = TrainingError(
            f"A process of this training is gone ({_first_line(error)}); see whether it was killed, for memory or "
            "otherwise, and go on from the checkpoint with --resume."
        )
    code = INTERRUPTED if isinstance(error, KeyboardInterrupt) else SpeakertripError.exit_code
    with suppress(RuntimeError):  # the store is gone with the machine that held it
        if store.add("failures", 1) > 1:
            return ToldElsewhereError(int(store.get("exit code")))
        store.set("exit code", str(getattr(error, "exit_code", code)))
    return error


def _first_line(error: BaseException) -> str:
    return str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__
