"""Which backends rank by an inner product, and by which: what a search over a million speakers needs."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from speakertrip.backend.calibration import LinearCalibration
from speakertrip.backend.cosine import unit_rows
from speakertrip.backend.pipeline import Backend
from speakertrip.backend.sides import Sides

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Terms:
    """Sides as inner products score them.

    The score of two, before calibration, is ``(scale + scale') * (row · row') + offset + offset'``.

    Attributes:
        rows: float32 ``(n, dim)``, of unit length.
        scale: float32 ``(n,)``.
        offset: float32 ``(n,)``.
    """

    rows: FloatArray
    scale: FloatArray
    offset: FloatArray


def ranks_by_product(backend: Backend) -> bool:
    """Tell whether scores rise with what ``Terms`` gives: the cosine, any score norm, a calibration of it alone.

    Not so with PLDA, and not with a calibration that weighs quality measures, or the score not above 0.

    >>> ranks_by_product(Backend())
    True
    """
    calibration = backend.calibration
    if isinstance(calibration, LinearCalibration):
        alone = len(calibration.names) == 1 and calibration.weights[0] > 0
    else:
        alone = True  # an isotonic calibration rises with the score, or ties
    return backend.plda is None and alone


def profile_terms(backend: Backend, sides: Sides) -> Terms:
    """Return the terms of profiles, the first sides of trials; the backend ranks by a product.

    Z-norm is ``(s - mean) / deviation``, of the enrollment's side; S-norm and adaptive S-norm the mean of that and the
    test's: see ``normalise``.
    """
    return _terms(backend, sides, {"z": 1.0, "t": 0.0, "s": 0.5, "as": 0.5})


def probe_terms(backend: Backend, sides: Sides) -> Terms:
    """Return the terms of probes, the second sides of trials."""
    return _terms(backend, sides, {"z": 0.0, "t": 1.0, "s": 0.5, "as": 0.5}, 1.0)


def before_calibration(backend: Backend) -> Backend:
    """Return the same backend without its calibration."""
    return replace(backend, calibration=None, fitted_on=None)


def _terms(backend: Backend, sides: Sides, shares: dict[str, float], plain: float = 0.0) -> Terms:
    rows = unit_rows(sides.embeddings)
    cohort = backend.on_cohort(sides)
    if cohort is None or backend.norm is None:
        return Terms(rows, np.full(len(rows), plain, np.float32), np.zeros(len(rows), np.float32))
    scale = np.float32(shares[backend.norm]) / cohort.deviation
    return Terms(rows, scale, -scale * cohort.mean)
