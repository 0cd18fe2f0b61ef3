import json
import pickle
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch

from speakertrip.bundle import Bundle
from speakertrip.bundle.files import SUMS, read_folder, write_folder
from speakertrip.config import XVectorConfig
from speakertrip.errors import BundleError

FILES = ["README.md", SUMS, "calibration.json", "config.json", "model.safetensors"]
XVECTOR = XVectorConfig(channels=16, pooling_channels=24, embedding_dim=12)


def embed(bundle: Bundle) -> np.ndarray:
    waveforms = torch.randn(2, 8000, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        return bundle.model(waveforms).numpy()


def rewrite(folder: Path, target: Path, name: str, content: bytes) -> Path:
    """Copy a bundle with one file changed, and checksums that fit."""
    write_folder(target, read_folder(folder, ()) | {name: content})
    return target


@pytest.mark.parametrize("encoder", [None, XVECTOR])
def test_round_trip(tmp_path, make_bundle, encoder):
    made = make_bundle(threshold=0.123456789012345, **({"encoder": encoder} if encoder else {}))
    made.save(tmp_path / "one")
    loaded = Bundle.load(tmp_path / "one")
    assert not loaded.model.training
    np.testing.assert_array_equal(embed(loaded), embed(Bundle.load(str(tmp_path / "one"))))
    made.model.eval()
    np.testing.assert_array_equal(embed(loaded), embed(made))
    for part in ("features", "encoder", "calibration", "card"):
        assert getattr(loaded, part) == getattr(made, part)


def test_the_identity_is_that_of_configuration_and_weights(tmp_path, make_bundle):
    bundles = {}
    for name, bundle in {
        "one": make_bundle(),
        "other threshold": make_bundle(threshold=0.9),
        "other weights": make_bundle(seed=1),
        "other encoder": make_bundle(encoder=XVECTOR),
    }.items():
        assert bundle.identity == ""
        bundle.save(tmp_path / name)
        bundles[name] = Bundle.load(tmp_path / name)
    bundles["one"].save(tmp_path / "again")
    identity = bundles["one"].identity
    assert len(identity) == 64
    assert Bundle.load(tmp_path / "again").identity == bundles["other threshold"].identity == identity
    assert len({bundle.identity for bundle in bundles.values()}) == 3


def test_what_a_bundle_of_the_log_mel_front_end_says_of_it_stays(bundle_folder):
    """Its hash is the identity that speakers are enrolled by."""
    config = json.loads((bundle_folder / "config.json").read_text())
    assert config["features"] == {"mels": 40, "f_min": 20.0, "f_max": 7600.0}
    assert list(config) == ["format", "features", "encoder"]


def test_a_model_without_a_threshold(uncalibrated_folder, bundle_folder, make_bundle, tmp_path):
    loaded = Bundle.load(uncalibrated_folder)
    assert loaded.calibration is None
    assert loaded.held_out == ""
    assert not (uncalibrated_folder / "calibration.json").exists()
    assert loaded.identity == Bundle.load(bundle_folder).identity
    with pytest.raises(
        BundleError, match=r"uncalibrated: fit one .* by `speakertrip backend`, or say .*threshold"
    ):
        loaded.threshold()
    loaded.with_backend(loaded.backend, make_bundle(threshold=0.25).calibration).save(tmp_path / "fitted")
    assert Bundle.load(tmp_path / "fitted").threshold().value == 0.25


def test_there_is_no_pickle(tmp_path, make_bundle, monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("pickle is used")

    for module, name in [(pickle, "Pickler"), (pickle, "Unpickler"), (torch, "save"), (torch, "load")]:
        monkeypatch.setattr(module, name, refuse)
    make_bundle().save(tmp_path / "x")
    Bundle.load(tmp_path / "x")
    assert sorted(path.name for path in (tmp_path / "x").iterdir()) == FILES
    weights = (tmp_path / "x" / "model.safetensors").read_bytes()
    header = int.from_bytes(weights[:8], "little")
    end = max(tensor["data_offsets"][1] for tensor in json.loads(weights[8 : 8 + header]).values())
    assert len(weights) == 8 + header + end  # a table of contents and numbers, nothing else
    for name in FILES[:-1]:
        (tmp_path / "x" / name).read_text(encoding="utf-8")


def test_an_empty_path_is_not_the_current_folder(bundle_folder, monkeypatch):
    monkeypatch.chdir(bundle_folder)
    with pytest.raises(BundleError, match="path of the bundle is empty"):
        Bundle.load("")
    assert Bundle.load(".").identity


@pytest.mark.parametrize("name", FILES[2:])
def test_a_changed_byte(tmp_path, bundle_folder, name):
    write_folder(tmp_path / "x", read_folder(bundle_folder, ()))
    content = bytearray((tmp_path / "x" / name).read_bytes())
    content[-1] ^= 1
    (tmp_path / "x" / name).write_bytes(content)
    with pytest.raises(BundleError, match=f"damaged: {name} is not what was written"):
        Bundle.load(tmp_path / "x")


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file(tmp_path, bundle_folder, name):
    write_folder(tmp_path / "x", read_folder(bundle_folder, ()))
    (tmp_path / "x" / name).unlink()
    with pytest.raises(BundleError, match=name):
        Bundle.load(tmp_path / "x")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 2, "novelty": 1}, "has format 2; update speakertrip"),
        ({"format": 0}, "malformed: format: Input should be 1"),
        ({"novelty": 1}, "malformed: novelty: Extra inputs are not permitted"),
        ({"encoder": {"kind": "transformer"}}, "malformed: encoder: .*'transformer'"),
        ({"encoder": {"kind": "ecapa", "channels": 3}}, "malformed: encoder.ecapa.channels: "),
        ({"encoder": {"kind": "xvector"}}, "do not fit its config.json: .*Missing key"),
        ({"features": {"mels": 80}}, "do not fit its config.json: .*size mismatch"),
        (
            {"features": {"mels": 40, "f_min": 9000.0}},
            r"malformed: features.log-mel: .*f_min \(9000\) must lie below",
        ),
        ({"features": {"kind": "mfcc"}}, "malformed: features: .*'mfcc'"),
        (
            {"features": {"kind": "speechbrain-fbank", "mels": 1}},
            "malformed: features.speechbrain-fbank.mels",
        ),
        ({"features": []}, "malformed: features"),
    ],
)
def test_a_configuration_that_does_not_fit(tmp_path, bundle_folder, change, message):
    config = json.loads((bundle_folder / "config.json").read_text()) | change
    folder = rewrite(bundle_folder, tmp_path / "x", "config.json", json.dumps(config).encode())
    with pytest.raises(BundleError, match=message) as caught:
        Bundle.load(folder)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize("name", ["config.json", "calibration.json", "model.safetensors"])
@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"null", b"\xff" * 100, pickle.dumps({"threshold": 1})]
)
def test_content_of_another_kind(tmp_path, bundle_folder, name, content):
    with pytest.raises(BundleError, match="is malformed"):
        Bundle.load(rewrite(bundle_folder, tmp_path / "x", name, content))


@pytest.mark.parametrize("threshold", ["NaN", "Infinity", '"high"', "null"])
def test_a_threshold_that_is_no_number(tmp_path, bundle_folder, threshold):
    content = (bundle_folder / "calibration.json").read_text().replace("-1.0", threshold)
    with pytest.raises(BundleError, match="malformed: threshold"):
        Bundle.load(rewrite(bundle_folder, tmp_path / "x", "calibration.json", content.encode()))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite(tmp_path, bundle_folder, value):
    weights = safetensors.torch.load((bundle_folder / "model.safetensors").read_bytes())
    name = sorted(weights)[0]
    weights[name].view(-1)[0] = value
    folder = rewrite(bundle_folder, tmp_path / "x", "model.safetensors", safetensors.torch.save(weights))
    with pytest.raises(BundleError, match=f"not finite numbers .{name}"):
        Bundle.load(folder)


def test_weights_of_another_model(tmp_path, bundle_folder, make_bundle):
    make_bundle(encoder=XVECTOR).save(tmp_path / "other")
    content = (tmp_path / "other" / "model.safetensors").read_bytes()
    with pytest.raises(BundleError, match="do not fit"):
        Bundle.load(rewrite(bundle_folder, tmp_path / "x", "model.safetensors", content))


def test_a_card_of_any_bytes(tmp_path, bundle_folder):
    assert "\ufffd" in Bundle.load(rewrite(bundle_folder, tmp_path / "x", "README.md", b"# \xff")).card
