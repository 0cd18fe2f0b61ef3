"""What `verify` makes its user wait for: libraries that it does not need are not loaded."""

import subprocess
import sys

import numpy as np
import pytest

from speakertrip.backend import Backend, LinearCalibration
from speakertrip.config import ResNetConfig

UNNEEDED = (
    "sklearn",
    "librosa",
    "matplotlib",
    "optuna",
    "huggingface_hub",
    "scipy.linalg",
    "scipy.optimize",
    "scipy.sparse",
    "scipy.special",
    "yaml",
    "onnxruntime",
    "speakertrip.config.train",
    "speakertrip.corpora",
    "speakertrip.evaluation",
    "speakertrip.losses",
    "speakertrip.training",
)
RUN = "from speakertrip.cli import run; run(sys.argv[1:])"


def loaded_by(statement, *arguments):
    """Return the modules that are loaded once a fresh interpreter has run a statement."""
    script = f"import sys; {statement}; print(*sys.modules, file=sys.stderr)"
    command = [sys.executable, "-W", "ignore", "-c", script, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout, set(done.stderr.splitlines()[-1].split())


@pytest.fixture
def verified(tmp_path, write_speech):
    """Return ``verified(folder)``: the modules that ``verify --against`` loads, after an answer; None: the default."""
    reference, probe = write_speech(tmp_path / "0.wav", 0), write_speech(tmp_path / "1.wav", 1)

    def verified(folder=None):
        model = ("--model", folder) if folder else ()
        out, modules = loaded_by(RUN, "verify", *model, "--against", reference, probe)
        assert "1.wav: " in out
        return modules

    return verified


def of_speechbrain(modules):
    return {name for name in modules if name.split(".")[0] == "speechbrain"}


def test_a_resnet_with_a_score_norm_needs_neither_speechbrain_nor_what_fits_a_backend(
    verified, make_bundle, tmp_path
):
    made = make_bundle(-99.0, encoder=ResNetConfig(channels=4, embedding_dim=8, attention_channels=4))
    cohort = np.random.default_rng(0).normal(size=(20, 8)).astype(np.float32)
    backend = Backend(
        cohort=cohort, norm="as", top=10, calibration=LinearCalibration(("score",), np.ones(1), 0.0)
    )
    made.with_backend(backend, made.calibration).save(tmp_path / "bundle")
    modules = verified(tmp_path / "bundle")
    assert {"torch", "speakertrip.encoders.resnet"} <= modules
    assert not modules.intersection(UNNEEDED)
    assert not of_speechbrain(modules)


def test_the_model_that_ships_needs_no_more(verified, monkeypatch):
    monkeypatch.delenv("SPEAKERTRIP_MODEL", raising=False)
    modules = verified()
    assert "speakertrip.backend.plda" in modules
    assert not modules.intersection(UNNEEDED)
    assert not of_speechbrain(modules)


def test_an_ecapa_needs_of_speechbrain_its_layers_alone(verified, bundle_folder):
    _, needed = loaded_by("import speakertrip.encoders.speechbrain_layers")
    modules = verified(bundle_folder)
    assert of_speechbrain(modules) == of_speechbrain(needed) != set()
    assert not modules.intersection({"sklearn", "librosa", "matplotlib", "optuna", "huggingface_hub"})
