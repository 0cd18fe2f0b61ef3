"""A calibration in a file of its own, for score files of any system: JSON."""

from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, ValidationError, model_validator

from speakertrip.backend.calibration import Calibration, IsotonicCalibration, LinearCalibration
from speakertrip.backend.fitted import FittedOn
from speakertrip.config import Frozen
from speakertrip.errors import DataError
from speakertrip.manifests.lines import FilePath, write_lines

Number = Annotated[float, Field(allow_inf_nan=False)]


class CalibrationFile(Frozen):
    """What the file holds.

    Attributes:
        kind: "linear" or "isotonic".
        names: of the columns; one for each score file.
        weights: of the columns, of a linear calibration.
        bias: of a linear calibration.
        thresholds: of the steps, of an isotonic calibration.
        llrs: of the steps.
        fitted_on: the trials.
    """

    kind: Literal["linear", "isotonic"]
    names: tuple[str, ...] = ("score",)
    weights: tuple[Number, ...] = ()
    bias: Number = 0.0
    thresholds: tuple[Number, ...] = ()
    llrs: tuple[Number, ...] = ()
    fitted_on: FittedOn

    @model_validator(mode="after")
    def _fits(self) -> "CalibrationFile":
        if self.kind == "linear" and len(self.weights) != len(self.names):
            raise ValueError(f"{len(self.names)} names need as many weights, not {len(self.weights)}")
        _ = self.calibration  # which checks the numbers
        return self

    @classmethod
    def of(cls, calibration: Calibration, fitted_on: FittedOn) -> "CalibrationFile":
        """Describe a calibration."""
        if isinstance(calibration, LinearCalibration):
            return cls(
                kind="linear",
                names=calibration.names,
                weights=tuple(calibration.weights.tolist()),
                bias=calibration.bias,
                fitted_on=fitted_on,
            )
        return cls(
            kind="isotonic",
            thresholds=tuple(calibration.thresholds.tolist()),
            llrs=tuple(calibration.llrs.tolist()),
            fitted_on=fitted_on,
        )

    @property
    def calibration(self) -> Calibration:
        """The calibration."""
        if self.kind == "linear":
            return LinearCalibration(self.names, np.array(self.weights), self.bias)
        return IsotonicCalibration(np.array(self.thresholds), np.array(self.llrs))

    @classmethod
    def read(cls, path: FilePath) -> "CalibrationFile":
        """Read a file.

        Raises:
            DataError: it cannot be read, or is none.
        """
        try:
            return cls.model_validate_json(Path(path).read_bytes())
        except OSError as error:
            raise DataError(f"Cannot read the calibration {path}: {error.strerror}.") from None
        except ValidationError as error:
            problem = error.errors()[0]
            where = ".".join(map(str, problem["loc"])) or "the file"
            raise DataError(f"{path} is no calibration: {where}: {problem['msg']}.") from None

    def write(self, path: FilePath) -> None:
        """Write the file.

        Raises:
            StorageError: it cannot be written.
        """
        write_lines(path, [self.model_dump_json(indent=2)])
