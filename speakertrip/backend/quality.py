"""Quality measures of trials: what, beside the score, says how far the score can be trusted."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SideQuality:
    """What is measured of each enrollment, or of each test utterance.

    Attributes:
        seconds: ``(n,)``, of speech or of audio, positive; of an enrollment, in all.
        magnitude: ``(n,)``, length of the raw embedding; of an enrollment, the mean.
        cohort: ``(n,)``, mean of the highest cohort scores.
    """

    seconds: npt.NDArray[np.floating] | None = None
    magnitude: npt.NDArray[np.floating] | None = None
    cohort: npt.NDArray[np.floating] | None = None


def quality_columns(
    enrollments: SideQuality,
    tests: SideQuality,
    first: npt.NDArray[np.integer],
    second: npt.NDArray[np.integer],
) -> Mapping[str, FloatArray]:
    """Return columns for ``LinearCalibration`` from what is known of both sides of each trial.

    Of each measure the lesser and the greater of both sides, so that the order of a pair does not matter; seconds and
    magnitudes by their natural logarithm.

    Args:
        enrollments: of each enrollment.
        tests: of each test utterance.
        first: ``(trials,)``, rows of the enrollments.
        second: ``(trials,)``, rows of the tests.

    Returns:
        ``(trials,)`` by name: "log_seconds_min", "log_seconds_max", "log_magnitude_min", ..., "cohort_max". What one
        side lacks is left out.

    Raises:
        ValueError: seconds or magnitudes are not positive.

    References:
        J. Thienpondt et al., "The IDLab VoxSRC-20 submission: large margin fine-tuning and quality-aware score
        calibration in DNN based speaker verification", ICASSP 2021.

    Examples:
        >>> one, other = SideQuality(seconds=np.array([1.0])), SideQuality(seconds=np.array([np.e]))
        >>> columns = quality_columns(one, other, np.array([0]), np.array([0]))
        >>> {name: column.tolist() for name, column in columns.items()}
        {'log_seconds_min': [0.0], 'log_seconds_max': [1.0]}
    """
    columns: dict[str, FloatArray] = {}
    for name in ("seconds", "magnitude", "cohort"):
        sides = getattr(enrollments, name), getattr(tests, name)
        if sides[0] is None or sides[1] is None:
            continue
        one, other = sides[0][first].astype(np.float64), sides[1][second].astype(np.float64)
        if name != "cohort":
            if not min(one.min(initial=1), other.min(initial=1)) > 0:
                raise ValueError(f"the {name} of a quality measure must be positive")
            one, other, name = np.log(one), np.log(other), f"log_{name}"
        columns[f"{name}_min"], columns[f"{name}_max"] = np.minimum(one, other), np.maximum(one, other)
    return columns
