"""A backend as it is kept: options, which are JSON, and arrays."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from speakertrip.backend.calibration import Calibration, IsotonicCalibration, LinearCalibration
from speakertrip.backend.fitted import FittedOn
from speakertrip.backend.lda import LDA
from speakertrip.backend.pipeline import TOP, Backend
from speakertrip.backend.plda import PLDA
from speakertrip.config import Frozen

LEAST_SPREAD = 1e-4  # of a cohort, in some dimension; embeddings are of unit length
Arrays = Mapping[str, npt.NDArray[np.generic]]


class BackendOptions(Frozen):
    """What a backend is, beside its arrays.

    Attributes:
        norm: which score norm.
        top: how many of the highest cohort scores count in adaptive S-norm.
        calibration: which kind.
        names: columns of a linear calibration.
        bias: of a linear calibration.
        fitted_on: the trials that the calibration was fitted on.
        arrays: names of all arrays.
    """

    norm: Literal["z", "t", "s", "as"] | None = None
    top: int = Field(default=TOP, ge=1)
    calibration: Literal["linear", "isotonic"] | None = None
    names: tuple[str, ...] = ("score",)
    bias: float = Field(default=0.0, allow_inf_nan=False)
    fitted_on: FittedOn | None = None
    arrays: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _score_first(self) -> "BackendOptions":
        if not self.names or self.names[0] != "score":
            raise ValueError("the first column of a calibration is the score")
        return self


def pack(backend: Backend) -> tuple[BackendOptions, dict[str, npt.NDArray[np.generic]]]:
    """Return a backend's options and arrays; ``unpack`` makes the same backend of them."""
    parts = {"lda": backend.lda, "plda": backend.plda}
    keys = {"lda": ("mean", "projection"), "plda": ("mean", "between", "within")}
    arrays = {
        f"{name}.{key}": getattr(part, key) for name, part in parts.items() if part for key in keys[name]
    }
    if backend.centre is not None:
        arrays["centre"] = backend.centre
    if backend.cohort is not None:
        arrays["cohort"] = backend.cohort
    options: dict[str, Any] = {"norm": backend.norm, "top": backend.top, "fitted_on": backend.fitted_on}
    if isinstance(backend.calibration, LinearCalibration):
        arrays["calibration.weights"] = backend.calibration.weights
        linear = {
            "calibration": "linear",
            "names": backend.calibration.names,
            "bias": backend.calibration.bias,
        }
        options.update(linear)
    elif isinstance(backend.calibration, IsotonicCalibration):
        arrays["calibration.thresholds"] = backend.calibration.thresholds
        arrays["calibration.llrs"] = backend.calibration.llrs
        options["calibration"] = "isotonic"
    return BackendOptions(**options, arrays=tuple(sorted(arrays))), arrays


def digest(backend: Backend) -> str:
    """Return a name, 64 hexadecimal digits, of everything that a backend's scores depend on."""
    options, arrays = pack(backend)
    found = sha256(options.model_dump_json(exclude={"fitted_on"}).encode())
    for name in sorted(arrays):
        found.update(f"{name} {arrays[name].dtype} {arrays[name].shape}".encode())
        found.update(np.ascontiguousarray(arrays[name]).tobytes())
    return found.hexdigest()


def unpack(options: BackendOptions, arrays: Arrays, dim: int) -> Backend:
    """Make a backend of its options and arrays.

    Args:
        options: as packed.
        arrays: as packed, by name.
        dim: of the embeddings.

    Raises:
        ValueError: an array is missing, not finite, or does not fit the others.
    """
    if set(arrays) != set(options.arrays):
        odd = min(set(arrays) ^ set(options.arrays))
        raise ValueError(f"{odd} is missing from the arrays, or is not among those that were written")
    broken = [name for name, array in arrays.items() if not np.isfinite(array).all()]
    if broken:
        raise ValueError(f"{broken[0]} holds values that are not finite numbers")

    def take(name: str, *shape: int | None) -> npt.NDArray[Any]:
        array = arrays.get(name)
        if array is None or array.ndim != len(shape):
            raise ValueError(f"{name} is missing or has another number of dimensions")
        if any(
            found != wanted for found, wanted in zip(array.shape, shape, strict=True) if wanted is not None
        ):
            raise ValueError(f"{name} has the shape {array.shape}")
        return array

    lda = LDA(take("lda.mean", dim), take("lda.projection", dim, None)) if "lda.mean" in arrays else None
    kept = dim if lda is None else lda.projection.shape[1]
    plda = None
    if "plda.mean" in arrays:
        plda = PLDA(
            take("plda.mean", kept), take("plda.between", kept, kept), take("plda.within", kept, kept)
        )
        try:
            plda.tests(np.zeros((1, kept), dtype=np.float32))
        except np.linalg.LinAlgError:
            raise ValueError("plda.within is no covariance") from None
    calibration: Calibration | None = None
    if options.calibration == "linear":
        weights = take("calibration.weights", len(options.names))
        calibration = LinearCalibration(options.names, weights, options.bias)
    elif options.calibration == "isotonic":
        steps = take("calibration.thresholds", None)
        calibration = IsotonicCalibration(steps, take("calibration.llrs", len(steps)))
    cohort = take("cohort", None, kept) if "cohort" in arrays else None
    if cohort is not None and (len(cohort) < 2 or cohort.std(axis=0).max() < LEAST_SPREAD):
        raise ValueError("the cohort needs two speakers, and they must differ")
    return Backend(
        centre=take("centre", dim) if "centre" in arrays else None,
        lda=lda,
        plda=plda,
        cohort=cohort,
        norm=options.norm,
        top=options.top,
        calibration=calibration,
        fitted_on=options.fitted_on,
    )
