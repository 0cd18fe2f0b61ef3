"""A model as the content of an ONNX file."""

import io
import warnings
from collections.abc import Mapping

import onnx
import torch

from speakertrip import __version__
from speakertrip.bundle import SpeakerModel
from speakertrip.encoders.onnx import EXPORTED_INPUT, EXPORTED_OUTPUT
from speakertrip.export.traceable import traceable

PRODUCER = "speakertrip"
OPSET = 17  # of 2022, which onnxruntime has known since 1.13
EXAMPLE = (2, 8000)  # the shape of what is traced; the graph takes any
# What torch says of its exporter, and of paddings that it leaves to onnxruntime to fold.
EXPECTED = (
    ("You are using the legacy TorchScript-based ONNX export", DeprecationWarning),
    ("The feature will be removed", DeprecationWarning),
    ("Constant folding - Only steps=1", UserWarning),
)


def make_graph(model: SpeakerModel, properties: Mapping[str, str], card: str) -> bytes:
    """Return a model as an ONNX file: ``waveform`` float32 ``(batch, samples)`` to ``embedding`` ``(batch, dim)``.

    By torch's exporter of traces, which needs no package but onnx; the newer one needs onnxscript.

    Args:
        model: front end and encoder; it stays as it is.
        properties: of the file.
        card: the text of the file's description.

    Raises:
        ValueError: the model has no form in ONNX.
    """
    plain, written = traceable(model), io.BytesIO()
    with warnings.catch_warnings():
        for message, category in EXPECTED:
            warnings.filterwarnings("ignore", message, category)
        try:
            torch.onnx.export(
                plain,
                (torch.randn(EXAMPLE, generator=torch.Generator().manual_seed(0)),),
                written,  # type: ignore[arg-type] # only the newer one writes none but files
                input_names=[EXPORTED_INPUT],
                output_names=[EXPORTED_OUTPUT],
                dynamic_axes={EXPORTED_INPUT: {0: "batch", 1: "samples"}, EXPORTED_OUTPUT: {0: "batch"}},
                opset_version=OPSET,
                dynamo=False,
            )
        except torch.onnx.errors.OnnxExporterError as error:
            raise ValueError(" ".join(str(error).split())[:200]) from None
    graph = onnx.load_model_from_string(written.getvalue())
    graph.producer_name, graph.producer_version = PRODUCER, __version__
    graph.doc_string = card
    graph.graph.output[0].type.tensor_type.shape.dim[1].dim_value = model.embedding_dim
    onnx.helper.set_model_props(graph, dict(properties))
    onnx.checker.check_model(graph)
    content: bytes = graph.SerializeToString(deterministic=True)
    return content


def is_ours(content: bytes) -> bool:
    """Tell whether something is the content of a file that ``make_graph`` made."""
    try:
        graph = onnx.load_model_from_string(content)
    except Exception:  # of protobuf, of which there are several implementations
        return False
    return bool(graph.producer_name == PRODUCER and graph.graph.input)
