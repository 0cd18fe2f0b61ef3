"""Encoders as ONNX files, as bundles."""

import shutil

import numpy as np
import pytest
import torch
from onnx_file import make_onnx, run_directly
from torchaudio.compliance import kaldi

from speakertrip.bundle import Bundle, import_bundle
from speakertrip.bundle.files import SUMS, read_folder, write_folder
from speakertrip.embedding import Embedder
from speakertrip.errors import BundleError, UsageError


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "voxceleb_resnet34.onnx").write_bytes(make_onnx())
    (tmp_path / "model" / "README.md").write_text("---\nlicense: cc-by-4.0\n---\n# ResNet\n")
    return tmp_path / "model"


def test_the_embeddings_are_those_of_the_file(folder, speech_like):
    waveforms = [speech_like(seconds, seed) for seed, seconds in enumerate((0.5, 1.3, 1.3))]
    found = Embedder(Bundle.load(folder).model, "cpu").embed(waveforms)
    for embedding, waveform in zip(found, waveforms, strict=True):
        samples = torch.from_numpy(waveform)[None] * 32768
        features = kaldi.fbank(samples, num_mel_bins=80, window_type="hamming", dither=0.0)
        expected = run_directly(make_onnx(), (features - features.mean(dim=0))[None].numpy())[0]
        assert np.linalg.norm(embedding - expected) < 1e-4 * np.linalg.norm(expected)


def test_it_is_a_bundle_like_any_other(folder, tmp_path):
    loaded = Bundle.load(folder)
    assert loaded.calibration is None
    assert loaded.encoder.embedding_dim == 12
    for text in (
        "the ONNX file voxceleb_resnet34.onnx |",
        "| licence | cc-by-4.0 |",
        "window hamming",
        "# ResNet",
    ):
        assert text in loaded.card
    loaded.save(tmp_path / "bundle")
    names = sorted(path.name for path in (tmp_path / "bundle").iterdir())
    assert names == ["README.md", SUMS, "config.json", "encoder.onnx"]
    again = Bundle.load(tmp_path / "bundle")
    assert (again.identity, again.card) == (loaded.identity, loaded.card)
    (folder / "voxceleb_resnet34.onnx").write_bytes(make_onnx(seed=1))
    assert Bundle.load(folder).identity != loaded.identity


@pytest.mark.parametrize("name", ["encoder.onnx", SUMS])
def test_a_bundle_that_lost_a_file(folder, tmp_path, name):
    Bundle.load(folder).save(tmp_path / "bundle")
    (tmp_path / "bundle" / name).unlink()
    with pytest.raises(BundleError, match=name):
        Bundle.load(tmp_path / "bundle")


def test_a_bundle_whose_network_is_not_listed(folder, tmp_path):
    Bundle.load(folder).save(tmp_path / "bundle")
    files = read_folder(tmp_path / "bundle", ())
    del files["encoder.onnx"]
    write_folder(tmp_path / "other", files)
    with pytest.raises(BundleError, match=r"incomplete: encoder\.onnx cannot be read"):
        Bundle.load(tmp_path / "other")
    write_folder(tmp_path / "third", {**files, "encoder.onnx": make_onnx(dim=13)})
    with pytest.raises(BundleError, match="is malformed: its embeddings are of size 13, not 12"):
        Bundle.load(tmp_path / "third")


def test_povey_s_window_is_said_at_the_import(folder, tmp_path):
    hamming = import_bundle(folder, tmp_path / "hamming")
    povey = import_bundle(folder, tmp_path / "povey", window="povey")
    assert (hamming.features.window, povey.features.window) == ("hamming", "povey")
    assert povey.identity == Bundle.load(tmp_path / "povey").identity != hamming.identity
    assert "window povey" in povey.card
    assert povey.source.name == str(folder)
    with pytest.raises(UsageError, match="says itself what its front end is; drop --window"):
        import_bundle(tmp_path / "hamming", tmp_path / "again", window="povey")


def test_a_window_of_a_model_of_ours(bundle_folder, tmp_path):
    with pytest.raises(UsageError, match="drop --window"):
        import_bundle(bundle_folder, tmp_path / "again", window="povey")
    assert not (tmp_path / "again").exists()


def test_from_the_hub(hub, folder, tmp_path):
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    hub.add(
        "org/resnet", {**files, "avg_model.pt": b"pickle", "config.yaml": b"x: 1", "half/model.onnx": b""}
    )
    assert Bundle.load("org/resnet").identity == Bundle.load(folder).identity
    assert sorted(hub.downloads()) == sorted(files)
    assert "| revision | aaaa" in import_bundle("org/resnet", tmp_path / "b", window="povey").card


def test_several_files(hub, folder):
    shutil.copy(folder / "voxceleb_resnet34.onnx", folder / "second.onnx")
    with pytest.raises(BundleError, match=r"several ONNX files \(second\.onnx, voxceleb_resnet34\.onnx\)"):
        Bundle.load(folder)
    hub.add("org/two", {path.name: path.read_bytes() for path in folder.iterdir()})
    with pytest.raises(BundleError, match="nor exactly one ONNX file"):
        Bundle.load("org/two")


def test_another_layout(folder):
    (folder / "voxceleb_resnet34.onnx").write_bytes(make_onnx(names=("x", "embedding")))
    with pytest.raises(
        BundleError, match="is no encoder in WeSpeaker's manner: it takes x and gives embedding"
    ):
        Bundle.load(folder)
