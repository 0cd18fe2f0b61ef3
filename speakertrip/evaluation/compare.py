"""Two systems on one trial list: whether what they differ by is real."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from speakertrip.errors import NO_MATPLOTLIB, UsageError
from speakertrip.evaluation.checks import check_trials
from speakertrip.evaluation.folder import plotting
from speakertrip.evaluation.report import require_scores, statistics
from speakertrip.manifests import Trials
from speakertrip.manifests.lines import FilePath
from speakertrip.metrics import PairedDifference, det_curve, paired_differences


@dataclass(frozen=True, slots=True)
class Comparison:
    """How two systems differ on a trial list.

    Attributes:
        trials: how many, of which ``targets`` are target trials.
        speakers: how many on both sides, of which ``target_speakers`` have target trials.
        differences: by the name of the rate: "eer", "min_dcf(0.01)", ...; below 0: the first is better.
    """

    trials: int
    targets: int
    speakers: int
    target_speakers: int
    differences: Mapping[str, PairedDifference]

    def to_json(self) -> dict[str, Any]:
        """Return the comparison as JSON types."""
        rates = {
            name: {
                "difference": found.difference,
                "interval": list(found.interval),
                "p_value": found.p_value,
                "real": found.real,
            }
            for name, found in self.differences.items()
        }
        counts = {"trials": self.trials, "targets": self.targets, "speakers": self.speakers}
        return {**counts, "target_speakers": self.target_speakers, "rates": rates}


def plot_both(path: FilePath, trials: Trials, scores: Mapping[str, npt.NDArray[np.floating]]) -> None:
    """Draw the DET curves of several systems, by their names, into one PNG.

    Raises:
        StorageError: it cannot be written.
        UsageError: matplotlib is not installed.
    """
    plot = plotting()
    if plot is None:
        raise UsageError(NO_MATPLOTLIB)
    plot.save(plot.plot_det({name: det_curve(found, trials.targets) for name, found in scores.items()}), path)


def compare(
    trials: Trials,
    scores: npt.ArrayLike,
    other_scores: npt.ArrayLike,
    speakers: Mapping[str, str] | None = None,
) -> Comparison:
    """Compare the rates of two systems over the same draws of speakers.

    Args:
        trials: the pairs and their truth.
        scores: ``(trials,)`` of the first system.
        other_scores: ``(trials,)`` of the second.
        speakers: the speaker of each id; None: ids that target trials join count as one speaker.

    Raises:
        DataError: as of ``report``.
    """
    first, second, count = check_trials(trials, speakers)
    one, other = require_scores(trials, scores), require_scores(trials, other_scores)
    found = paired_differences(one, other, trials.targets, first, second, statistics())
    with_targets = len(np.unique(first[trials.targets]))
    return Comparison(len(trials), int(trials.targets.sum()), count, with_targets, found)
