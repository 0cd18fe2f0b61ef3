from dataclasses import replace

import numpy as np
import pytest

from speakertrip.backend import LDA, Backend, IsotonicCalibration, LinearCalibration, pair_scores
from speakertrip.bundle import Bundle, Source
from speakertrip.export.properties import on_cosines, properties_of

LINEAR = Backend(calibration=LinearCalibration(("score",), np.array([8.0]), -3.0))
MORE = (
    Backend(centre=np.zeros(24, np.float32)),
    Backend(lda=LDA(np.zeros(24, np.float32), np.eye(24, dtype=np.float32))),
    Backend(cohort=np.eye(24, dtype=np.float32), norm="as", calibration=LINEAR.calibration),
    Backend(calibration=IsotonicCalibration(np.array([0.0, 1.0]), np.array([-1.0, 2.0]))),
    Backend(calibration=LinearCalibration(("score", "duration"), np.array([8.0, 1.0]), -3.0)),
    Backend(calibration=LinearCalibration(("score",), np.array([-8.0]), -3.0)),
)


@pytest.fixture(scope="module")
def bundle(bundle_folder):
    return Bundle.load(bundle_folder)


def test_of_a_bundle_that_scores_by_cosines(bundle):
    assert properties_of(bundle) == {
        "sample_rate": "16000",
        "longest_seconds": "30",
        "identity": bundle.identity,
        "embedding_dim": "24",
        "encoder": "ecapa",
        "card": f"the description of this file, and README.md of {bundle.source}",
        "threshold": "-1.0",
    }


def test_the_threshold_is_one_of_cosines(bundle):
    """A pair has the score of the bundle, and its decision, by the properties alone."""
    calibrated = replace(
        bundle, backend=LINEAR, calibration=bundle.calibration.model_copy(update={"threshold": 0.75})
    )
    found = properties_of(calibrated)
    assert float(found["threshold"]) == pytest.approx(3.75 / 8)
    embeddings = np.random.default_rng(0).standard_normal((40, 24)).astype(np.float32)
    sides, first, second = LINEAR.sides(embeddings), np.arange(39), np.arange(1, 40)
    scores = LINEAR.score(sides, sides, first, second)
    cosines = pair_scores(embeddings, embeddings, first, second)
    by_hand = float(found["llr_scale"]) * cosines + float(found["llr_offset"])
    np.testing.assert_allclose(by_hand, scores, atol=1e-5)
    np.testing.assert_array_equal(cosines >= float(found["threshold"]), scores >= 0.75)


@pytest.mark.parametrize("backend", MORE)
def test_no_threshold_where_the_backend_does_more(bundle, backend):
    assert on_cosines(backend) is None
    found = properties_of(replace(bundle, backend=backend))
    assert not {"threshold", "llr_scale", "llr_offset"} & set(found)
    assert found["scores"] == "the bundle's own need its backend, which is not in this file"


def test_no_threshold_where_none_is_known(bundle):
    assert "threshold" not in properties_of(replace(bundle, calibration=None))


def test_where_the_card_is(bundle):
    of_hub = replace(bundle, source=Source("org/model", "ab" * 20))
    assert properties_of(of_hub)["card"].endswith("README.md of org/model (commit abababab)")
    assert properties_of(replace(bundle, source=Source("m\udcff")))["card"].endswith(r"of m\udcff")
