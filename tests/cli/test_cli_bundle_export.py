"""``speakertrip bundle export``, and what becomes of its file as a model."""

import json
import shutil
import sys
from dataclasses import replace

import numpy as np
import pytest
from onnx_file import make_onnx

from speakertrip.backend import Backend
from speakertrip.bundle import Bundle
from speakertrip.config import XVectorConfig


@pytest.fixture(scope="module")
def models(make_bundle, tmp_path_factory):
    """Return a folder with a bundle, one whose backend does more than the cosine, and the export of the first."""
    from speakertrip.export import export_onnx

    folder = tmp_path_factory.mktemp("models")
    encoder = XVectorConfig(channels=16, pooling_channels=24, embedding_dim=12)
    made = make_bundle(threshold=0.25, encoder=encoder)
    made.save(folder / "plain")
    replace(made, backend=Backend(centre=np.zeros(12, np.float32))).save(folder / "centred")
    export_onnx(folder / "plain", folder / "x.onnx")
    return folder


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SPEAKERTRIP_MODEL", raising=False)


def test_export(speakertrip, models, tmp_path):
    code, out, err = speakertrip("bundle", "export", models / "plain", "--out", "x.onnx")
    assert (code, err) == (0, "")
    assert out.startswith(f"x.onnx: xvector of {models / 'plain'}, 0.9 MB, embeddings within ")
    assert out.count("\n") == 1
    assert (tmp_path / "x.onnx").read_bytes()[-300:] == (models / "x.onnx").read_bytes()[-300:]


def test_the_help_says_what_the_file_is_not(speakertrip):
    said = " ".join(speakertrip("bundle", "export", "--help")[1].split())
    assert "speech of 30 s or less" in said
    assert "if one is known and MODEL scores by them alone" in said


def test_export_as_json(speakertrip, models, tmp_path):
    code, out, err = speakertrip("bundle", "export", models / "plain", "--out", "x.onnx", "--json")
    assert (code, err, out.count("\n")) == (0, "", 1)
    facts = json.loads(out)
    assert facts.pop("cosine") > 0.9999
    assert 0 <= facts.pop("difference") < 1e-3
    assert facts == {
        "file": "x.onnx",
        "bytes": (tmp_path / "x.onnx").stat().st_size,
        "model": str(models / "plain"),
        "commit": None,
        "identity": Bundle.load(models / "plain").identity,
        "encoder": "xvector",
        "embedding_dim": 12,
        "sample_rate": 16000,
        "threshold": 0.25,
    }


def test_a_backend_that_is_left_behind_is_told(speakertrip, models):
    code, out, err = speakertrip("bundle", "export", models / "centred", "--out", "x.onnx")
    assert (code, out.count("\n")) == (0, 1)
    assert err == (
        "It has no threshold for cosines: the bundle's own need its backend, which is not in this file.\n"
    )
    assert (
        json.loads(speakertrip("bundle", "export", models / "centred", "--out", "x.onnx", "--json")[1])[
            "threshold"
        ]
        is None
    )


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        ("", 7, "x.onnx is there already, and is no export of a bundle; name another file."),
        ("none", 5, "There is no bundle at ./none"),
        ("foreign", 5, "is an ONNX file already"),
        (
            "differs",
            5,
            "x.onnx is not written, for the ONNX form of {models}/plain fails: it gives other embeddings",
        ),
        ("extra", 2, "An export to ONNX needs onnxruntime: pip install 'speakertrip[onnx]'."),
    ],
)
def test_refusals(speakertrip, models, tmp_path, monkeypatch, change, code, message):
    model = {"none": "./none", "foreign": "foreign"}.get(change, models / "plain")
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "x.onnx").write_bytes(make_onnx())
    if not change:
        (tmp_path / "x.onnx").write_bytes(b"years of work")
    elif change == "differs":
        monkeypatch.setattr("speakertrip.export.check.LEAST_COSINE", 1.1)
    elif change == "extra":
        monkeypatch.setitem(sys.modules, "onnxruntime", None)
    found, out, err = speakertrip("bundle", "export", model, "--out", "x.onnx")
    assert (found, out, err.count("\n")) == (code, "", 1)
    assert message.format(models=models) in err
    assert (tmp_path / "x.onnx").exists() == (not change)


@pytest.mark.parametrize(
    "verb", [("bundle", "show"), ("bundle", "verify"), ("bundle", "import", "--out", "b")]
)
def test_an_export_is_no_model(speakertrip, models, tmp_path, verb):
    shutil.copy(models / "x.onnx", "x.onnx")
    (tmp_path / "folder").mkdir()
    shutil.copy(models / "x.onnx", "folder")
    code, out, err = speakertrip(*verb, "x.onnx")
    assert (code, out, err.count("\n")) == (5, "", 1)
    assert "x.onnx is a file: name the folder of" in err
    assert "of an export of a bundle, which runs without speakertrip, the bundle." in err
    code, out, err = speakertrip(*verb, "folder")
    assert (code, out, err.count("\n")) == (5, "", 1)
    assert (
        "x.onnx of folder is no encoder in WeSpeaker's manner: it is an export of a bundle, from waveforms"
        in err
    )
    assert not (tmp_path / "b").exists()


def test_an_export_scores_nothing(speakertrip, models, tmp_path, write_speech):
    (tmp_path / "folder").mkdir()
    shutil.copy(models / "x.onnx", "folder")
    wav = write_speech(tmp_path / "a.wav", seconds=2.0)
    for model in (models / "x.onnx", "folder"):
        code, out, err = speakertrip("verify", "--model", model, "--against", wav, wav)
        assert (code, out, err.count("\n")) == (5, "", 1)
        assert "export of a bundle" in err
