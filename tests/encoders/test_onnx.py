import sys

import numpy as np
import onnx
import pytest
import torch
from onnx_file import make_onnx, run_directly

from speakertrip.config import OnnxConfig
from speakertrip.encoders import SpeakerEncoder, build_encoder
from speakertrip.encoders.onnx import embedding_dim_of
from speakertrip.errors import UsageError


@pytest.fixture
def encoder():
    made = build_encoder(80, OnnxConfig(embedding_dim=12))
    made.read(make_onnx())
    return made


def test_it_is_the_network(encoder):
    for batch, frames in ((1, 10), (3, 77)):
        features = torch.randn(batch, frames, 80)
        found = encoder(features)
        assert found.dtype == torch.float32
        np.testing.assert_allclose(found.numpy(), run_directly(make_onnx(), features.numpy()), atol=1e-5)


def test_it_keeps_the_protocol(encoder):
    assert isinstance(encoder, SpeakerEncoder)
    assert not encoder.state_dict()
    rows = torch.randn(4, 50, 80)
    torch.testing.assert_close(encoder(rows)[1:2], encoder(rows[1:2]), atol=1e-5, rtol=0)


def test_the_number_of_threads_is_torchs(encoder):
    features, before = torch.randn(2, 40, 80), torch.get_num_threads()
    found = []
    try:
        for threads in (1, 2, 1):
            torch.set_num_threads(threads)
            found.append(encoder(features))
    finally:
        torch.set_num_threads(before)
    assert sorted(encoder._sessions) == [1, 2]
    torch.testing.assert_close(found[0], found[1], atol=1e-6, rtol=0)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "onnxruntime cannot read it"),
        (b"no network", "onnxruntime cannot read it"),
        (make_onnx()[:-200], "onnxruntime cannot read it"),
        (make_onnx(names=("x", "embs")), "it takes x and gives embs, where feats and embs are known"),
        (make_onnx(names=("feats", "embedding")), "it takes feats and gives embedding"),
        (make_onnx(mels=40), "it cannot be run on feats of shape"),
        (make_onnx(frames=200), "it cannot be run on feats of shape"),
        (make_onnx(weight=np.inf), "not finite numbers"),
    ],
)
def test_what_is_no_encoder(content, message):
    with pytest.raises(ValueError, match=message) as caught:
        embedding_dim_of(content, 80)
    assert "\n" not in str(caught.value)


def test_weights_in_another_file_are_refused(tmp_path, monkeypatch):
    network = onnx.load_from_string(make_onnx())
    onnx.external_data_helper.convert_model_to_external_data(network, location="weights", size_threshold=500)
    monkeypatch.chdir(tmp_path)
    onnx.save(network, "saved.onnx")
    assert (tmp_path / "weights").stat().st_size
    with pytest.raises(ValueError, match="onnxruntime cannot read it"):
        embedding_dim_of((tmp_path / "saved.onnx").read_bytes(), 80)


def test_embeddings_of_another_size():
    made = build_encoder(80, OnnxConfig(embedding_dim=13))
    with pytest.raises(ValueError, match="its embeddings are of size 12, not 13"):
        made.read(make_onnx())


def test_without_onnxruntime(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(UsageError, match=r"pip install 'speakertrip\[onnx\]'"):
        embedding_dim_of(make_onnx(), 80)
