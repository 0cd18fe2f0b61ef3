"""Features to embeddings in training: in which precision, and in how many parts."""

import math
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint

from speakertrip.config import ComputeConfig
from speakertrip.errors import UsageError

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


class Encoding:
    """The forward pass of an encoder, as the configuration has it.

    A batch loss needs the embeddings of the whole batch at once, and not its activations. Encoded in parts, a batch
    keeps the activations of none: when the gradient of its embeddings is known, each part is encoded a second time and
    differentiated, one after the other. Memory is that of a part, and time that of one forward pass more (the gradient
    cache of Gao et al., 2021, by torch's own checkpoints).

    The loss and its gradient are those of the whole batch, of embeddings of which each part was normalised by itself:
    in training, batch normalisation takes the statistics of a part, the same in both passes, and moves the running
    ones in the first pass only. With statistics held fixed (in evaluation mode) it is that of the whole batch.

    Args:
        encoder: a ``SpeakerEncoder``.
        config: precision, size of a part, compilation.
        device: of its parameters.

    Raises:
        UsageError: nothing can be compiled here.

    Shape:
        - features: ``(batch, frames, mels)``
        - output: ``(batch, dim)``, float32, of unit length
    """

    def __init__(self, encoder: nn.Module, config: ComputeConfig, device: torch.device) -> None:
        self.encoder, self.config, self.device = encoder, config, device
        self.forward = _compiled(encoder, device) if config.compile else encoder

    def __call__(self, features: Tensor) -> Tensor:
        """Encode a batch."""
        size = self.config.micro_batch or len(features)
        if len(features) <= size:
            return self._encode(features)
        encode = self._encode_twice if torch.is_grad_enabled() else self._encode
        count = math.ceil(len(features) / size)  # of parts of one size, or nearly: no short last one
        return torch.cat([encode(part) for part in features.tensor_split(count)])

    def _encode_twice(self, part: Tensor) -> Tensor:
        embeddings: Tensor = checkpoint(
            self._encode,
            part,
            use_reentrant=False,
            context_fn=lambda: (nullcontext(), still_statistics(self.encoder)),
        )
        return embeddings

    def _encode(self, features: Tensor) -> Tensor:
        dtype = DTYPES[self.config.precision]
        with torch.autocast(self.device.type, dtype, enabled=dtype is not torch.float32):
            embeddings = self.forward(features)
        return functional.normalize(embeddings.float(), dim=1)


def _compiled(encoder: nn.Module, device: torch.device) -> Any:
    """Return an encoder that is compiled at its first call; whether anything can be compiled is found out here."""
    try:
        torch.compile(lambda x: x + 1)(torch.ones(1, device=device))
    except Exception as error:  # of whatever the backend is made of
        reason = str(error).splitlines()[0].rstrip(".:")
        raise UsageError(
            f"compute.compile cannot be used here ({reason}); install a C++ compiler, or leave it out."
        ) from error
    return torch.compile(encoder)


@contextmanager
def still_statistics(module: nn.Module) -> Iterator[None]:
    """Keep the running statistics of batch normalisation where they are."""
    layers = [layer for layer in module.modules() if isinstance(layer, _BatchNorm)]
    before = [layer.momentum for layer in layers]
    counts = [layer.num_batches_tracked for layer in layers]
    for layer in layers:
        layer.momentum = 0.0
        layer.num_batches_tracked = None
    try:
        yield
    finally:
        for layer, momentum, count in zip(layers, before, counts, strict=True):
            layer.momentum = momentum
            layer.num_batches_tracked = count
