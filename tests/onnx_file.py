"""ONNX files in WeSpeaker's manner, and not quite."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def make_onnx(
    dim: int = 12,
    mels: int = 80,
    names: tuple[str, str] = ("feats", "embs"),
    pooling: str = "ReduceMean",
    weight: float = 1.0,
    frames: int | str = "T",
    seed: int = 0,
) -> bytes:
    """Return a network: tanh of a linear layer on each frame, the mean over time, another linear layer."""
    rng = np.random.default_rng(seed)
    first = rng.standard_normal((mels, 16)).astype(np.float32) / 9
    second = weight * rng.standard_normal((16, dim)).astype(np.float32)
    source, target = names
    axes = numpy_helper.from_array(np.array([1], np.int64), "axes")
    nodes = [
        helper.make_node("MatMul", [source, "first"], ["a"]),
        helper.make_node("Tanh", ["a"], ["b"]),
        helper.make_node(pooling, ["b", "axes"], ["c"], keepdims=0),
        helper.make_node("MatMul", ["c", "second"], [target]),
    ]
    graph = helper.make_graph(
        nodes,
        "encoder",
        [helper.make_tensor_value_info(source, TensorProto.FLOAT, ["B", frames, mels])],
        [helper.make_tensor_value_info(target, TensorProto.FLOAT, ["B", dim])],
        [numpy_helper.from_array(first, "first"), numpy_helper.from_array(second, "second"), axes],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    content: bytes = model.SerializeToString()
    return content


def run_directly(content: bytes, features: np.ndarray) -> np.ndarray:
    """Return what the reference implementation of ONNX, which is no onnxruntime, gives."""
    from onnx.reference import ReferenceEvaluator

    return np.asarray(ReferenceEvaluator(onnx.load_from_string(content)).run(None, {"feats": features})[0])
