import sys
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from onnx_file import make_onnx
from speechbrain_folder import ECAPA, XVECTOR, make_folder

import speakertrip
from speakertrip.bundle import Bundle, SpeakerModel
from speakertrip.config import KaldiFbankConfig, XVectorConfig
from speakertrip.embedding import Embedder
from speakertrip.errors import BundleError, StorageError, UsageError
from speakertrip.export import Agreement, export_onnx

SMALL = XVectorConfig(channels=16, pooling_channels=24, embedding_dim=12)


@pytest.fixture(scope="module")
def bundle(make_bundle, tmp_path_factory):
    """Return a folder; an x-vector is exported in a quarter of the time of an ECAPA-TDNN."""
    folder = tmp_path_factory.mktemp("models") / "bundle"
    make_bundle(threshold=0.25, encoder=SMALL).save(folder)
    return folder


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_it_is_the_bundle(bundle, tmp_path, speech_like):
    found = export_onnx(bundle, tmp_path / "new" / "x.onnx")
    assert names(tmp_path / "new") == ["x.onnx"]
    assert found.size == (tmp_path / "new" / "x.onnx").stat().st_size
    assert found.agreement.cosine > 0.999999
    session = onnxruntime.InferenceSession(tmp_path / "new" / "x.onnx", providers=["CPUExecutionProvider"])
    facts = session.get_modelmeta()
    assert facts.custom_metadata_map == found.properties
    assert found.properties["identity"] == Bundle.load(bundle).identity
    assert (found.properties["threshold"], facts.description) == ("0.25", "# A test\n")
    waveforms = np.stack([speech_like(1.2, seed) for seed in range(2)])
    expected = Embedder(Bundle.load(bundle).model, "cpu").embed(list(waveforms))
    np.testing.assert_allclose(session.run(["embedding"], {"waveform": waveforms})[0], expected, rtol=1e-4)


def test_it_is_the_bundle_of_speech_up_to_the_length_that_it_says(bundle, tmp_path, speech_like):
    longest = float(export_onnx(bundle, tmp_path / "x.onnx").properties["longest_seconds"])
    session = onnxruntime.InferenceSession(tmp_path / "x.onnx", providers=["CPUExecutionProvider"])
    embedder = Embedder(Bundle.load(bundle).model, "cpu", 1)

    def agreement(samples):
        waveform = (np.linspace(0.1, 1, samples) * speech_like(samples / 16_000)).astype(np.float32)
        found = session.run(["embedding"], {"waveform": waveform[None]})[0]
        return Agreement.of(found, embedder.embed([waveform])).difference

    assert agreement(round(longest * 16_000)) < 1e-3 < agreement(round(longest * 16_000) + 1)


@pytest.mark.parametrize(
    "hyperparams", [ECAPA.replace("    lin_neurons", "    res2net_scale: 2\n    lin_neurons"), XVECTOR]
)
def test_models_of_speechbrain(hyperparams, tmp_path):
    found = export_onnx(make_folder(tmp_path / "m", hyperparams), tmp_path / "x.onnx")
    assert found.agreement.cosine > 0.999999
    assert "threshold" not in found.properties
    assert "apache-2.0" in found.bundle.card


def test_an_older_export_is_replaced(bundle, tmp_path, make_bundle):
    export_onnx(bundle, tmp_path / "x.onnx")
    make_bundle(seed=1, encoder=SMALL).save(tmp_path / "other")
    (tmp_path / "link").symlink_to("x.onnx")
    identity = export_onnx(tmp_path / "other", tmp_path / "link").properties["identity"]
    assert identity.encode() in (tmp_path / "x.onnx").read_bytes()
    assert names(tmp_path) == ["link", "other", "x.onnx"]


@pytest.mark.parametrize("content", [b"", b"years of work", make_onnx(), None])
def test_nothing_else_is_overwritten(tmp_path, content):
    """It is said before the model is looked for."""
    if content is None:
        (tmp_path / "x.onnx").mkdir()
    else:
        (tmp_path / "x.onnx").write_bytes(content)
    with pytest.raises(
        StorageError, match=r"x\.onnx is there already, and is no export of a bundle; name another"
    ):
        export_onnx(tmp_path / "none", tmp_path / "x.onnx")
    assert names(tmp_path) == ["x.onnx"]
    assert content is None or (tmp_path / "x.onnx").read_bytes() == content


@pytest.mark.parametrize("before", [True, False])
def test_an_export_that_differs_gets_no_name(bundle, tmp_path, monkeypatch, make_bundle, before):
    if before:
        export_onnx(bundle, tmp_path / "x.onnx")
    there = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    from speakertrip.export import graph

    other, made = make_bundle(seed=1, encoder=SMALL).model.eval(), graph.make_graph
    monkeypatch.setattr(graph, "make_graph", lambda model, *rest: made(other, *rest))
    with pytest.raises(BundleError, match=r"x\.onnx is not written, for the ONNX form of .*other embeddings"):
        export_onnx(bundle, tmp_path / "x.onnx")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == there


def test_a_write_that_breaks_off_leaves_the_old_file(bundle, tmp_path, monkeypatch):
    export_onnx(bundle, tmp_path / "x.onnx")
    there = (tmp_path / "x.onnx").read_bytes()

    def fail(self, content):
        with self.open("wb") as opened:
            opened.write(content[:100])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", fail)
        with pytest.raises(StorageError, match=r"Cannot write .*x\.onnx: No space left on device\."):
            export_onnx(bundle, tmp_path / "x.onnx")
    assert names(tmp_path) == ["x.onnx"]
    assert (tmp_path / "x.onnx").read_bytes() == there


def test_what_is_no_network_of_torch(tmp_path, bundle):
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "encoder_of_others.onnx").write_bytes(make_onnx())
    with pytest.raises(BundleError, match=r"m is an ONNX file already, from features to embeddings"):
        export_onnx(tmp_path / "m", tmp_path / "x.onnx")
    features = KaldiFbankConfig(mels=40)
    model = SpeakerModel(features, SMALL)
    replace(Bundle.load(bundle), features=features, model=model).save(tmp_path / "kaldi")
    with pytest.raises(BundleError, match="the front end KaldiFbank has no form in ONNX"):
        export_onnx(tmp_path / "kaldi", tmp_path / "x.onnx")
    assert not (tmp_path / "x.onnx").exists()


@pytest.mark.parametrize("name", ["onnx", "onnxruntime"])
def test_without_the_extra(bundle, tmp_path, monkeypatch, name):
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(UsageError) as caught:
        export_onnx(bundle, tmp_path / "x.onnx")
    assert str(caught.value) == f"An export to ONNX needs {name}: pip install 'speakertrip[onnx]'."
    assert names(tmp_path) == []


def test_the_room_is_imported_without_the_extra(monkeypatch):
    monkeypatch.setattr(speakertrip, "export", speakertrip.export)  # to be restored
    for name in [name for name in sys.modules if name.startswith("speakertrip.export")]:
        monkeypatch.delitem(sys.modules, name)
    for name in ("onnx", "onnxruntime"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(UsageError, match="needs onnx: pip install"):
        import_module("speakertrip.export").export_onnx("none", "x.onnx")
