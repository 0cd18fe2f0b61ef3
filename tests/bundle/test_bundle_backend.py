"""The backend that a bundle may carry."""

import json
from dataclasses import replace

import numpy as np
import pytest
import safetensors.numpy

from speakertrip.backend import Backend, FittedOn, LinearCalibration
from speakertrip.bundle import Bundle
from speakertrip.bundle.bundle import BACKEND, BACKEND_ARRAYS
from speakertrip.bundle.files import read_folder, write_folder
from speakertrip.errors import BundleError
from speakertrip.manifests import Trials

TRIALS = Trials.of(["a", "b"], ["b", "c"], [True, False])


@pytest.fixture
def saved(tmp_path, make_bundle):
    """A bundle with adaptive S-norm and a calibration, and its folder."""
    made = make_bundle()
    dim = made.model.embedding_dim
    backend = Backend(
        cohort=np.random.default_rng(0).normal(size=(7, dim)).astype(np.float32),
        norm="as",
        top=3,
        calibration=LinearCalibration(("score",), np.array([2.0]), -1.0),
        fitted_on=FittedOn.of(TRIALS, "list.txt"),
    )
    made.with_backend(backend, made.calibration).save(tmp_path / "bundle")
    return backend, dim, tmp_path / "bundle"


def test_it_is_read_as_it_was(saved, bundle_folder):
    backend, dim, folder = saved
    loaded = Bundle.load(folder)
    embeddings = np.random.default_rng(1).normal(size=(6, dim)).astype(np.float32)
    first, second = np.triu_indices(6, k=1)
    sides = backend.sides(embeddings)
    expected = backend.score(sides, sides, first, second)
    assert (loaded.backend.score(sides, sides, first, second) == expected).all()
    assert loaded.backend.fitted_on.overlaps(TRIALS)
    assert loaded.identity == Bundle.load(bundle_folder).identity  # enrolled speakers stay valid
    assert "## Backend" in loaded.card
    assert "list.txt" in loaded.card


def test_a_bundle_without_one_has_no_files_of_it(bundle_folder):
    assert not (bundle_folder / BACKEND).exists()
    loaded = Bundle.load(bundle_folder)
    assert replace(loaded.backend) == Backend()


@pytest.mark.parametrize(
    "change",
    [
        {BACKEND: b"not JSON"},
        {BACKEND: b'{"norm": "other"}'},
        {BACKEND: b'{"unknown": 1}'},
        {BACKEND: b'{"calibration": "linear", "names": []}'},
        {BACKEND: b'{"calibration": "isotonic"}'},
        {BACKEND_ARRAYS: b""},
        {BACKEND_ARRAYS: b"\x80\x04pickle"},
        {BACKEND_ARRAYS: safetensors.numpy.save({"cohort": np.ones((3, 5), np.float32)})},
        {BACKEND_ARRAYS: safetensors.numpy.save({"calibration.weights": np.ones(1)})},
    ],
)
def test_a_damaged_one_is_refused(saved, tmp_path, change):
    write_folder(tmp_path / "broken", read_folder(saved[2], ()) | change)
    with pytest.raises(BundleError, match="malformed"):
        Bundle.load(tmp_path / "broken")


def test_arrays_that_are_not_finite_are_refused(saved, tmp_path):
    files = read_folder(saved[2], ())
    arrays = safetensors.numpy.load(files[BACKEND_ARRAYS])
    arrays["cohort"][0, 0] = np.nan
    write_folder(tmp_path / "broken", files | {BACKEND_ARRAYS: safetensors.numpy.save(arrays)})
    with pytest.raises(BundleError, match="cohort holds values that are not finite"):
        Bundle.load(tmp_path / "broken")
    assert json.loads(files[BACKEND])["fitted_on"]["name"] == "list.txt"
