"""What processes that train one model together (``group``) tell each other: each has a share of every batch.

They run the same program on the same configuration, and keep the same state: what they compute of a batch is that of
the whole batch (``speakertrip.losses.across``), gradients are averaged, and whatever decides how the run goes on is
agreed. The first of them, rank 0, writes the files and talks to the user.
"""

import hashlib
from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import torch
import torch.distributed as dist
from torch import Tensor, nn

from speakertrip.config import BatchConfig
from speakertrip.errors import TrainingError
from speakertrip.losses.across import gather_rows, own_rank, processes
from speakertrip.samplers.pk import share_of_speakers
from speakertrip.training.group import local_place

FloatArray = npt.NDArray[np.float32]
Item = TypeVar("Item")
SomeModule = TypeVar("SomeModule", bound=nn.Module)
STATISTICS = ("running_mean", "running_var")  # of batch normalisation


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
    return local_place()[1] if processes() > 1 else 1


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


def _device() -> str:
    return "cuda" if dist.get_backend() == "nccl" else "cpu"
