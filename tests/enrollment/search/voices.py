"""Drawn profiles and backends that several tests of searches share."""

import numpy as np

from speakertrip.backend import Backend, DecisionRule, IsotonicCalibration, LinearCalibration, Threshold
from speakertrip.backend.plda import PLDA
from speakertrip.enrollment import Enrollment

MODEL, DIM = "m" * 64, 6
RNG = np.random.default_rng(1)
COHORT = RNG.standard_normal((12, DIM)).astype(np.float32)
CENTRE = (COHORT[0] / 20).astype(np.float32)
LINEAR = LinearCalibration(("score",), np.array([8.0]), -2.0)
STEPS = IsotonicCalibration(np.array([-0.3, 0.1, 0.4]), np.array([-3.0, 0.0, 2.0]))
WITH_QUALITY = LinearCalibration(("score", "log_seconds_min"), np.array([5.0, 0.5]), -1.0)
SPREAD = np.diag(np.linspace(0.5, 1, DIM)).astype(np.float32)
BACKENDS = {
    "cosine": Backend(),
    "centred": Backend(centre=CENTRE, calibration=LINEAR),
    "steps": Backend(calibration=STEPS),
    **{norm: Backend(centre=CENTRE, cohort=COHORT, norm=norm, top=5) for norm in ("z", "t", "s", "as")},
    "as, calibrated": Backend(cohort=COHORT, norm="as", top=5, calibration=LINEAR),
    "plda": Backend(plda=PLDA(CENTRE, SPREAD, SPREAD[::-1, ::-1].copy())),
    "plda, as": Backend(plda=PLDA(CENTRE, SPREAD, SPREAD), cohort=COHORT, norm="as", top=5),
    "quality": Backend(calibration=WITH_QUALITY),
}


def enrollments(rng, count, dim=DIM):
    return [
        Enrollment(
            rng.standard_normal(dim).astype(np.float32), f"/audio/{rng.integers(10**9)}.wav", "",
            float(rng.uniform(1, 9)),
        )
        for _ in range(count)
    ]  # fmt: skip


def probes_of(backend, rng, count, dim=DIM):
    return backend.sides(rng.standard_normal((count, dim)).astype(np.float32), None, rng.uniform(1, 9, count))


def rule(backend, threshold=0.0):
    return DecisionRule(backend, Threshold(threshold))
