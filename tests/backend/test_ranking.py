import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakertrip.backend import Backend, IsotonicCalibration, LinearCalibration
from speakertrip.backend.plda import PLDA
from speakertrip.backend.ranking import before_calibration, probe_terms, profile_terms, ranks_by_product
from speakertrip.backend.storage import digest

RISING = LinearCalibration(("score",), np.array([2.0]), -1.0)
FALLING = LinearCalibration(("score",), np.array([-2.0]), -1.0)
WITH_QUALITY = LinearCalibration(("score", "magnitude_low"), np.array([2.0, 1.0]), -1.0)
STEPS = IsotonicCalibration(np.array([0.0, 0.5]), np.array([-1.0, 1.0]))


@given(st.integers(0, 1000), st.sampled_from([None, "z", "t", "s", "as"]))
def test_terms_give_the_score(seed, norm):
    rng = np.random.default_rng(seed)
    cohort = rng.standard_normal((9, 5)).astype(np.float32)
    backend = Backend(centre=cohort[0] / 9, cohort=cohort, norm=norm, top=4)
    voices = rng.standard_normal((7, 5)).astype(np.float32)
    profiles, probes = backend.sides(voices[:5], [[0, 1], [2], [3, 4]]), backend.sides(voices[5:])
    one, other = profile_terms(backend, profiles), probe_terms(backend, probes)
    first, second = np.repeat(np.arange(3), 2), np.tile(np.arange(2), 3)
    found = (one.scale[first] + other.scale[second]) * (one.rows @ other.rows.T).ravel()
    found += one.offset[first] + other.offset[second]
    expected = backend.score(profiles, probes, first, second)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)


def test_which_backends_rank_by_a_product():
    plda = PLDA(np.zeros(2, np.float32), np.eye(2, dtype=np.float32), np.eye(2, dtype=np.float32))
    yes = [Backend(), Backend(calibration=RISING), Backend(calibration=STEPS)]
    no = [Backend(plda=plda), Backend(calibration=FALLING), Backend(calibration=WITH_QUALITY)]
    assert [ranks_by_product(each) for each in yes + no] == [True] * 3 + [False] * 3
    with pytest.raises(ValueError, match="as enrollments or as tests"):
        no[0].on_cohort(no[0].sides(np.eye(2, dtype=np.float32)))


def test_the_digest_is_of_what_rows_depend_on():
    centre, cohort = np.float32([0.1, 0.2]), np.eye(2, dtype=np.float32)
    same = [Backend(centre=centre), Backend(centre=centre.copy(), calibration=RISING)]
    others = [Backend(), Backend(centre=2 * centre), Backend(cohort=cohort), Backend(cohort=cohort, norm="z")]
    others += [Backend(cohort=cohort, norm="as"), Backend(cohort=cohort, norm="as", top=2)]
    assert len({digest(before_calibration(each)) for each in same}) == 1
    assert len({digest(each) for each in same + others}) == 2 + len(others)
