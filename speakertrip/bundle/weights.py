"""The file of a bundle that holds its weights: tensors, or the network of another toolkit."""

from collections.abc import Mapping

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from speakertrip.bundle.layouts import ONNX, WEIGHTS
from speakertrip.config import AnyEncoderConfig, OnnxConfig
from speakertrip.encoders.onnx import OnnxEncoder
from speakertrip.errors import ConfigError


def weights_file(encoder: AnyEncoderConfig) -> str:
    """Return the name of the file."""
    return ONNX if isinstance(encoder, OnnxConfig) else WEIGHTS


def pack_weights(encoder: nn.Module) -> bytes:
    """Return the content of the file."""
    return encoder.content if isinstance(encoder, OnnxEncoder) else pack_tensors(encoder.state_dict())


def pack_tensors(tensors: Mapping[str, Tensor]) -> bytes:
    """Return tensors as safetensors: on the CPU, floating point in single precision."""
    plain = {
        name: (tensor.detach().float() if tensor.is_floating_point() else tensor).cpu().contiguous()
        for name, tensor in tensors.items()
    }
    with torch.no_grad():
        return safetensors.torch.save(plain)


def unpack_weights(encoder: nn.Module, content: bytes) -> None:
    """Give an encoder the weights of the content of the file.

    Raises:
        ConfigError: they do not fit the encoder.
        ValueError: the content is malformed, or holds numbers that are not finite.
        UsageError: an ONNX file, and onnxruntime is not installed.
    """
    if isinstance(encoder, OnnxEncoder):
        encoder.read(content)
        return
    try:
        weights = safetensors.torch.load(content)
    except safetensors.SafetensorError as error:
        raise ValueError(str(error)) from None
    for name, tensor in weights.items():
        if not tensor.isfinite().all():
            raise ValueError(f"it holds weights that are not finite numbers ({name})")
    try:
        encoder.load_state_dict(weights)
    except RuntimeError as error:  # torch lists every name and shape, on lines of their own
        raise ConfigError(" ".join(str(error).split())[:200]) from None
