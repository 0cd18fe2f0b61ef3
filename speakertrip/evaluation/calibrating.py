"""Fit a calibration to scores that there are, of one system or of several."""

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from speakertrip.backend import FittedOn, IsotonicCalibration, LinearCalibration
from speakertrip.backend.calibration import P_TARGET
from speakertrip.backend.calibration_file import CalibrationFile
from speakertrip.errors import DataError, UsageError
from speakertrip.evaluation.checks import check_trials
from speakertrip.evaluation.report import require_scores
from speakertrip.manifests import Trials

Method = Literal["linear", "isotonic"]


def calibrate_scores(
    trials: Trials,
    scores: Sequence[npt.ArrayLike],
    speakers: Mapping[str, str] | None = None,
    method: Method = "linear",
    p_target: float = P_TARGET,
    name: str = "trials",
) -> CalibrationFile:
    """Fit a calibration to the scores of one system, or fuse those of several.

    Args:
        trials: the pairs and their truth.
        scores: ``(trials,)`` of each system.
        speakers: the speaker of each id, to check the labels by.
        method: "linear" or, of one system, "isotonic".
        p_target: prior at which a linear calibration shall be best.
        name: of the trial list, for the record.

    Raises:
        DataError: as of ``report``, or the first system's scores say nothing of the truth.
        UsageError: an isotonic calibration of several systems.
    """
    if method == "isotonic" and len(scores) > 1:
        raise UsageError("An isotonic calibration takes one score file; several need a linear one.")
    check_trials(trials, speakers)
    values = np.column_stack([require_scores(trials, column) for column in scores])
    names = ("score", *(f"score_{place}" for place in range(2, len(scores) + 1)))
    try:
        if method == "isotonic":
            return CalibrationFile.of(
                IsotonicCalibration.fit(values[:, 0], trials.targets), FittedOn.of(trials, name)
            )
        fitted = LinearCalibration.fit(values, trials.targets, names, p_target)
    except ValueError as error:
        raise DataError(f"The scores cannot be calibrated: {error}.") from None
    return CalibrationFile.of(fitted, FittedOn.of(trials, name))
