"""``speakertrip bundle``."""

import json
import pickle
import shutil
from pathlib import Path

import pytest
import safetensors.torch
import torch
from onnx_file import make_onnx
from speechbrain_folder import XVECTOR, make_folder

from speakertrip.bundle import Bundle
from speakertrip.bundle.files import SUMS, read_folder, write_folder


@pytest.fixture(scope="module")
def foreign(tmp_path_factory):
    return make_folder(tmp_path_factory.mktemp("models") / "xvector", XVECTOR)


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SPEAKERTRIP_MODEL", raising=False)


def test_import_and_show(speakertrip, foreign):
    assert speakertrip("bundle", "import", foreign, "--out", "b") == (0, f"b: xvector of {foreign}\n", "")
    code, out, err = speakertrip("bundle", "show", "b", "--json")
    assert (code, err, out.count("\n")) == (0, "", 1)
    facts = json.loads(out)
    loaded = Bundle.load(foreign)
    assert facts["identity"] == loaded.identity == Bundle.load("b").identity
    assert facts["model"] == "b"
    assert facts["features"] == {"kind": "speechbrain-fbank", "mels": 24, "f_min": 0.0, "f_max": 8000.0}
    assert facts["encoder"] == {
        "kind": "xvector",
        "channels": 16,
        "pooling_channels": 48,
        "embedding_dim": 32,
    }
    assert facts["parameters"] == sum(tensor.numel() for tensor in loaded.model.state_dict().values())
    assert [facts[key] for key in ("commit", "threshold", "calibration")] == [None] * 3
    none = {"centre": False, "lda": None, "plda": False, "norm": None, "calibration": None, "fitted_on": None}
    assert facts["backend"] == none
    code, out, _ = speakertrip("bundle", "show", "b")
    assert code == 0
    assert "features    kind speechbrain-fbank, mels 24, f_min 0.0, f_max 8000.0\n" in out
    assert "threshold   -\n" in out


@pytest.mark.parametrize("out", ["b", "./b/", "link"])
def test_a_bundle_is_not_imported_onto_itself(speakertrip, foreign, tmp_path, out):
    assert speakertrip("bundle", "import", foreign, "--out", "b")[0] == 0
    (tmp_path / "link").symlink_to("b")
    before = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "b").iterdir()}
    code, text, err = speakertrip("bundle", "import", "b", "--out", out)
    assert (code, text) == (2, "")
    assert err == f"{out} is the model itself; name another folder for its bundle.\n"
    assert {path.name: path.stat().st_mtime_ns for path in (tmp_path / "b").iterdir()} == before


def test_import_says_what_it_wrote(speakertrip, foreign):
    code, out, _ = speakertrip("bundle", "import", foreign, "--out", "b", "--json")
    assert code == 0
    assert json.loads(out)["bundle"] == "b"
    assert json.loads(out)["model"] == str(foreign)


def test_an_onnx_file(speakertrip, tmp_path):
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "encoder_of_others.onnx").write_bytes(make_onnx())
    assert speakertrip("bundle", "import", "m", "--out", "b", "--window", "povey") == (
        0,
        "b: onnx of m\n",
        "",
    )
    assert speakertrip("bundle", "verify", "b") == (0, "b: whole, an ONNX file\n", "")
    facts = json.loads(speakertrip("bundle", "show", "b", "--json")[1])
    assert facts["features"] == {"kind": "kaldi-fbank", "mels": 80, "window": "povey"}
    assert facts["encoder"] == {"kind": "onnx", "embedding_dim": 12}
    assert facts["tensors"] is None
    code, out, err = speakertrip("bundle", "import", "b", "--out", "c", "--window", "hamming")
    assert (code, out) == (2, "")
    assert "drop --window" in err


def test_nothing_else_is_overwritten(speakertrip, foreign, tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "thesis.txt").touch()
    code, out, err = speakertrip("bundle", "import", foreign, "--out", "b")
    assert (code, out) == (7, "")
    assert "holds other files (thesis.txt)" in err
    assert speakertrip("bundle", "import", foreign, "--out", foreign)[0] == 2
    assert Bundle.load(foreign).identity


def test_show_a_model_with_a_threshold(speakertrip, bundle_folder, monkeypatch):
    monkeypatch.setenv("SPEAKERTRIP_MODEL", str(bundle_folder))
    facts = json.loads(speakertrip("bundle", "show", "--json")[1])
    assert facts["threshold"] == facts["calibration"]["threshold"] == -1.0
    assert facts["features"] == {"mels": 40, "f_min": 20.0, "f_max": 7600.0}


def test_verify(speakertrip, bundle_folder):
    code, out, err = speakertrip("bundle", "verify", bundle_folder)
    assert (code, err) == (0, "")
    assert out.startswith(f"{bundle_folder}: whole, ")
    facts = json.loads(speakertrip("bundle", "verify", bundle_folder, "--json")[1])
    assert set(facts) == {"model", "commit", "identity", "tensors", "parameters"}


@pytest.mark.parametrize("name", ["model.safetensors", "README.md", SUMS])
def test_verify_what_was_changed(speakertrip, bundle_folder, name):
    shutil.copytree(bundle_folder, "b")
    with open(f"b/{name}", "ab") as file:  # noqa: PTH123
        file.write(b"x")
    code, out, err = speakertrip("bundle", "verify", "b", "--json")
    assert (code, out) == (5, "")
    assert len(err.splitlines()) == 1


def _missing(folder):
    (folder / "calibration.json").unlink()


def _changed(folder):
    content = bytearray((folder / "model.safetensors").read_bytes())
    content[-1] ^= 1
    (folder / "model.safetensors").write_bytes(content)


def _rewritten(name, change):
    """Return what changes a file of a bundle, and its checksums with it."""

    def rewrite(folder):
        files = read_folder(folder, ())
        write_folder(folder, {**files, name: change(files.get(name, b""))})

    return rewrite


def _not_finite(content):
    weights = safetensors.torch.load(content)
    weights[min(weights)].view(-1)[0] = float("nan")
    return safetensors.torch.save(weights)


FAULTS = {
    "incomplete: calibration.json cannot be read": _missing,
    "damaged: model.safetensors is not what was written; copy it anew": _changed,
    "holds weights that are not finite numbers": _rewritten("model.safetensors", _not_finite),
    "has format 2; update speakertrip to read it": _rewritten(
        "config.json", lambda content: json.dumps({**json.loads(content), "format": 2, "novelty": 1}).encode()
    ),
    "holds model.pt, a pickle, which may run anything": _rewritten("model.pt", lambda _: pickle.dumps([])),
}


@pytest.mark.parametrize("message", FAULTS)
@pytest.mark.parametrize(
    "verb", [("verify",), ("show", "--json"), ("import", "--out", "new"), ("export", "--out", "x")]
)
def test_what_is_wrong_with_a_bundle_is_one_sentence(speakertrip, bundle_folder, tmp_path, verb, message):
    shutil.copytree(bundle_folder, "b")
    FAULTS[message](tmp_path / "b")
    code, out, err = speakertrip("bundle", *verb, "b")
    assert (code, out, err.count("\n")) == (5, "", 1)
    assert message in err
    assert [path.name for path in tmp_path.iterdir()] == ["b"]


@pytest.mark.parametrize("verb", [("verify",), ("show",), ("import", "--out", "new")])
def test_a_checkpoint_that_would_run_code(speakertrip, foreign, tmp_path, verb):
    class Trap:
        def __reduce__(self):
            return Path.touch, (tmp_path / "ran",)

    shutil.copytree(foreign, "m")
    torch.save({"weight": Trap()}, tmp_path / "m" / "embedding_model.ckpt")
    code, out, err = speakertrip("bundle", *verb, "m")
    assert (code, out, err.count("\n")) == (5, "", 1)
    assert "or holds objects that would run code; take it anew" in err
    assert [path.name for path in tmp_path.iterdir()] == ["m"]


def test_card(speakertrip, bundle_folder, foreign):
    assert speakertrip("bundle", "card", bundle_folder) == (0, "# A test\n", "")
    code, out, _ = speakertrip("bundle", "card", foreign)
    assert code == 0
    assert "| licence | apache-2.0 |" in out


@pytest.mark.parametrize("verb", ["show", "verify", "card"])
def test_no_model(speakertrip, verb):
    code, out, err = speakertrip("bundle", verb, "./none")
    assert (code, out) == (5, "")
    assert "There is no bundle at ./none" in err
    assert speakertrip("bundle", verb, ".")[0] == 5
    assert speakertrip("bundle", verb, "--revision", "main")[0] == 2


def test_a_revision_of_a_folder(speakertrip, bundle_folder):
    code, _, err = speakertrip("bundle", "show", bundle_folder, "--revision", "main")
    assert code == 2
    assert "is a folder here, which has no revisions" in err
