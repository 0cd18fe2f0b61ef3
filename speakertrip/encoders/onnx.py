"""A network in an ONNX file, as WeSpeaker exports its encoders, run by onnxruntime."""

import os
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from speakertrip.config import OnnxConfig
from speakertrip.errors import UsageError

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

INPUT, OUTPUT = "feats", "embs"  # (batch, frames, mels) and (batch, embedding_dim)
EXPORTED_INPUT, EXPORTED_OUTPUT = "waveform", "embedding"  # of a whole model, as `bundle export` writes it
PROBES = (20, 31)  # frames of the features that a network is tried with


class OnnxEncoder(nn.Module):
    """An encoder that is used and not trained. See ``SpeakerEncoder`` for shapes.

    It runs on the CPU, on as many threads as torch is set to; features of another device are brought there.

    Args:
        mels: size of a feature frame.
        config: size of an embedding.
    """

    def __init__(self, mels: int, config: OnnxConfig) -> None:
        super().__init__()
        self.embedding_dim = config.embedding_dim
        self.mels = mels
        self.content = b""  # of the file
        self._sessions: dict[int, InferenceSession] = {}

    def read(self, content: bytes) -> None:
        """Take the network of an ONNX file.

        Raises:
            ValueError: as of ``embedding_dim_of``, or its embeddings are of another size.
            UsageError: onnxruntime is not installed.
        """
        found = embedding_dim_of(content, self.mels)
        if found != self.embedding_dim:
            raise ValueError(f"its embeddings are of size {found}, not {self.embedding_dim}")
        self.content, self._sessions = content, {}

    def forward(self, features: Tensor) -> Tensor:
        """Encode ``(batch, frames, mels)`` to ``(batch, embedding_dim)``."""
        threads = torch.get_num_threads()
        if threads not in self._sessions:  # onnxruntime sets the number for a session's life
            self._sessions[threads] = open_session(self.content, threads)
        embeddings = _run(self._sessions[threads], features.detach().float().cpu().numpy())
        return torch.from_numpy(embeddings).to(features.device)


def embedding_dim_of(content: bytes, mels: int) -> int:
    """Try a network, and return the size of its embeddings.

    Args:
        content: of an ONNX file.
        mels: size of a feature frame.

    Raises:
        ValueError: it cannot be run, does not take ``feats`` ``(batch, frames, mels)`` to give ``embs``
            ``(batch, size)`` for any batch and number of frames, or gives numbers that are not finite.
        UsageError: onnxruntime is not installed.
    """
    session = open_session(content, 1)
    inputs, outputs = session.get_inputs(), session.get_outputs()
    names = [each.name for each in inputs], [each.name for each in outputs]
    if names == ([EXPORTED_INPUT], [EXPORTED_OUTPUT]):
        raise ValueError(
            "it is an export of a bundle, from waveforms to embeddings, which runs without speakertrip; name the bundle"
        )
    if names != ([INPUT], [OUTPUT]):
        raise ValueError(
            f"it takes {', '.join(names[0])} and gives {', '.join(names[1])}, where {INPUT} and {OUTPUT} are known"
        )
    rng = np.random.default_rng(0)
    sizes = set()
    for batch, frames in enumerate(PROBES, start=1):
        features = rng.standard_normal((batch, frames, mels), dtype=np.float32)
        try:
            found = _run(session, features)
        except Exception as error:  # of onnxruntime, which promises no type
            reason = " ".join(str(error).split())[:160]
            raise ValueError(f"it cannot be run on {INPUT} of shape {features.shape}: {reason}") from None
        if found.ndim != 2 or len(found) != batch or found.dtype != np.float32:
            raise ValueError(f"its {OUTPUT} of shape {found.shape} are not one embedding for each of {batch}")
        if not np.isfinite(found).all():
            raise ValueError(f"its {OUTPUT} are not finite numbers")
        sizes.add(found.shape[1])
    if len(sizes) != 1:
        raise ValueError(f"the size of its {OUTPUT} depends on the number of frames")
    return int(sizes.pop())


def _run(session: "InferenceSession", features: "np.ndarray[tuple[int, ...], np.dtype[np.float32]]") -> (
    "np.ndarray[tuple[int, ...], np.dtype[np.float32]]"
):  # fmt: skip
    (embeddings,) = session.run([OUTPUT], {INPUT: features})
    return np.asarray(embeddings)


def open_session(content: bytes, threads: int) -> "InferenceSession":
    """Return a network as onnxruntime runs it, on the CPU.

    Args:
        content: of an ONNX file, with all its weights.
        threads: that it runs on.

    Raises:
        ValueError: onnxruntime cannot read it.
        UsageError: onnxruntime is not installed.
    """
    try:
        import onnxruntime
    except ModuleNotFoundError:
        raise UsageError(
            "This model is an ONNX file and needs onnxruntime: pip install 'speakertrip[onnx]'."
        ) from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 4  # fatal: what goes wrong is raised
    # Weights in other files would be looked for in the current folder, and be no part of what the model is known by.
    options.add_session_config_entry("session.model_external_initializers_file_folder_path", os.devnull)
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # of onnxruntime, which promises no type
        raise ValueError(f"onnxruntime cannot read it ({type(error).__name__})") from None
