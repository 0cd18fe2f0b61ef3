"""What a run shows of itself beside its records: pictures of validations, and what TensorBoard reads."""

import warnings
from pathlib import Path
from types import ModuleType

import numpy as np
import numpy.typing as npt

from speakertrip.config import WatchConfig
from speakertrip.errors import NO_MATPLOTLIB, SpeakertripWarning, StorageError, UsageError
from speakertrip.evaluation.folder import plotting
from speakertrip.metrics import OperatingPoint, det_curve
from speakertrip.training.events import EventFile
from speakertrip.training.record import StepRecord
from speakertrip.training.validation import P_TARGETS, Validated, Validation

MAPPED = 20  # speakers in a map: more colours nobody tells apart


class Watch:
    """Shows what the configuration asks for; what cannot be written is warned of, once, and shown no more.

    Args:
        config: what that is.
        folder: of the run.
        step: steps done.

    Raises:
        UsageError: an extra that it needs is not installed.
    """

    def __init__(self, config: WatchConfig, folder: Path, step: int) -> None:
        self.pictures = folder / "pictures"
        self.plots = require_plots() if config.pictures else None
        self.events = EventFile(folder, step) if config.tensorboard else None

    def validated(self, step: int, validation: Validation, found: Validated) -> None:
        """Draw ``det-STEP.png`` and ``embeddings-STEP.png``."""
        if self.plots is None:
            return
        try:
            self._draw(step, validation, found, *self.plots)
        except StorageError as error:
            self.plots = None
            _warn(f"{error} The run goes on without pictures.")

    def add(self, record: StepRecord) -> None:
        """Hand a record to TensorBoard."""
        if self.events is None:
            return
        try:
            self.events.add(record)
        except StorageError as error:
            self.events.close()
            self.events = None
            _warn(f"{error} The run goes on without TensorBoard.")

    def _draw(
        self, step: int, validation: Validation, found: Validated, metrics: ModuleType, training: ModuleType
    ) -> None:
        name = f"step {step}"
        points = [OperatingPoint(p) for p in P_TARGETS]
        ends = found.calibration.eer_interval
        curve = det_curve(found.scores, validation.trials.targets)
        picture = metrics.plot_det({name: curve}, points, {name: ends} if ends else None)
        metrics.save(picture, self.pictures / f"det-{step:07}.png")
        names = sorted(set(validation.utterance_speakers))[:MAPPED]
        shown = [row for row, name in enumerate(validation.utterance_speakers) if name in names]
        map_ = training.plot_map(
            principal_plane(found.embeddings[shown]), [validation.utterance_speakers[row] for row in shown]
        )
        metrics.save(map_, self.pictures / f"embeddings-{step:07}.png")


def _warn(text: str) -> None:
    warnings.warn(text, SpeakertripWarning, stacklevel=3)


def require_plots() -> tuple[ModuleType, ModuleType]:
    """Return the modules that draw, of metrics and of training.

    Raises:
        UsageError: matplotlib is not installed.
    """
    metrics = plotting()
    if metrics is None:
        raise UsageError(NO_MATPLOTLIB)
    from speakertrip.training import plot

    return metrics, plot


def principal_plane(embeddings: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Project embeddings ``(count, dim)`` onto the plane in which they differ most, ``(count, 2)``.

    Principal component analysis of their directions. The sign of an axis is such that its largest value is positive,
    so that the maps of two steps are not mirrored by chance.

    >>> principal_plane([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 1.0, 0.0]])[:, 0].round(2).tolist()
    [0.94, -0.47, -0.47]
    """
    rows = np.asarray(embeddings, np.float64)
    rows = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    rows = rows - rows.mean(axis=0)
    _, _, axes = np.linalg.svd(rows, full_matrices=False)
    plane = np.zeros((len(rows), 2))
    found = rows @ axes[:2].T
    plane[:, : found.shape[1]] = found
    largest = np.take_along_axis(plane, np.abs(plane).argmax(axis=0)[None], axis=0)
    return np.asarray(plane * np.where(largest < 0, -1.0, 1.0) + 0.0)
