import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper
from onnx_file import make_onnx

from speakertrip.export.check import Agreement, check
from speakertrip.export.graph import make_graph


@pytest.fixture(scope="module")
def content(make_model):
    return make_graph(make_model("xvector"), {}, "")


def changed(content, change):
    graph = onnx.load_model_from_string(content)
    change(graph.graph)
    return graph.SerializeToString()


def test_an_export_agrees_with_its_model(content, make_model):
    found = check(content, make_model("xvector"))
    assert found.cosine > 0.999999
    assert found.difference < 1e-4


def test_the_worst_row_counts():
    expected = np.array([[1, 2], [3, 4], [2, 0]], np.float32)
    found = Agreement.of(expected + np.array([[0, 0], [0, 0], [0, 1]], np.float32), expected)
    assert found.cosine == pytest.approx(2 / 5**0.5)
    assert found.difference == 0.5
    assert Agreement.of(np.zeros((1, 2), np.float32), expected[:1]) == Agreement(0.0, 1.0)


def test_another_model_is_told(content, make_model):
    with pytest.raises(
        ValueError, match=r"other embeddings for 1 of 0\.5 s of noise: cosine -?0\.\d{5}, greatest"
    ):
        check(content, make_model("xvector", seed=1))


@pytest.mark.parametrize("factor", [1.01, np.nan])
def test_a_change_of_one_weight_is_told(content, make_model, factor):
    """That of the embeddings' last layer: a hundredth of one number in it is no rounding."""

    def change(graph):
        matrix = max(graph.initializer, key=lambda tensor: tensor.dims == [12, 48])
        weights = numpy_helper.to_array(matrix).copy()
        weights[0] *= factor
        matrix.CopyFrom(numpy_helper.from_array(weights, matrix.name))

    with pytest.raises(ValueError, match="embeddings for 1 of"):
        check(changed(content, change), make_model("xvector"))


def test_a_graph_of_one_length_is_told(content, make_model):
    def change(graph):
        graph.input[0].type.tensor_type.shape.dim[1].dim_value = 8000

    with pytest.raises(ValueError, match=r"it cannot be run: .*Got: 48000 Expected: 8000") as caught:
        check(changed(content, change), make_model("xvector"))
    assert "\n" not in str(caught.value)


def test_embeddings_of_another_shape_are_told(content, make_model):
    def change(graph):
        graph.node[-1].output[0] = "whole"
        graph.node.append(helper.make_node("Transpose", ["whole"], ["embedding"]))
        graph.output[0].type.tensor_type.ClearField("shape")

    with pytest.raises(ValueError, match=r"no embeddings for 1 of 0\.5 s of noise, but float32 \(12, 1\)"):
        check(changed(content, change), make_model("xvector"))


@pytest.mark.parametrize("other", [b"", b"no network", make_onnx()])
def test_what_is_no_export_is_told(other, make_model):
    with pytest.raises(ValueError, match=r"cannot read it|cannot be run"):
        check(other, make_model("xvector"))
