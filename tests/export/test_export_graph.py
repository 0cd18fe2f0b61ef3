import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx_file import make_onnx

from speakertrip import __version__
from speakertrip.export.graph import is_ours, make_graph


def run(content, waveforms):
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"waveform": waveforms})
    return found


@pytest.mark.parametrize("encoder", ["ecapa", "resnet", "xvector"])
def test_it_gives_the_embeddings_of_the_model(make_model, features, encoder, speech_like):
    model = make_model(encoder, features)
    content = make_graph(model, {}, "")
    for batch, samples in ((1, 1600), (2, 8000), (3, 12_345), (1, 48_000)):  # traced with (2, 8000)
        waveforms = np.stack([speech_like(3.0, seed)[-samples:] for seed in range(batch)])
        with torch.inference_mode():
            expected = model(torch.from_numpy(waveforms)).numpy()
        found = run(content, waveforms)
        assert (found.shape, found.dtype) == (expected.shape, np.float32)
        assert np.abs(found - expected).max() < 1e-4 * np.abs(expected).max()


def test_what_it_says_of_itself(make_model):
    graph = onnx.load_model_from_string(
        make_graph(make_model("xvector"), {"sample_rate": "16000", "a": "ü"}, "# Card\n")
    )
    assert {entry.key: entry.value for entry in graph.metadata_props} == {"sample_rate": "16000", "a": "ü"}
    assert (graph.producer_name, graph.producer_version) == ("speakertrip", __version__)
    assert graph.doc_string == "# Card\n"

    def shape(value):
        assert value.type.tensor_type.elem_type == onnx.TensorProto.FLOAT
        return value.name, [dim.dim_param or dim.dim_value for dim in value.type.tensor_type.shape.dim]

    assert [shape(value) for value in graph.graph.input] == [("waveform", ["batch", "samples"])]
    assert [shape(value) for value in graph.graph.output] == [("embedding", ["batch", 12])]
    assert {entry.domain for entry in graph.opset_import} == {""}  # nothing but what every runtime has
    assert not [tensor for tensor in graph.graph.initializer if tensor.data_location]  # all in this file


def test_the_same_model_makes_the_same_bytes_and_no_path_of_this_machine(make_model):
    model = make_model("xvector")
    content = make_graph(model, {}, "")
    assert content == make_graph(model, {}, "")
    assert b"site-packages" not in content
    assert b".py" not in content


def test_it_is_known_again(make_model):
    content = make_graph(make_model("xvector"), {}, "")
    assert is_ours(content)
    for other in (
        b"",
        b"years of work",
        content[:-1000],
        make_onnx(),
        content.replace(b"speakertrip", b"speakertrap"),
    ):
        assert not is_ours(other)
