"""What came of fitting a backend: its steps, and how often it errs on the trials that it was fitted to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from speakertrip.backend import Backend
from speakertrip.manifests import Trials
from speakertrip.metrics import speaker_groups

if TYPE_CHECKING:
    from speakertrip.bundle import Calibration

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class ShortScores:
    """Scores of trials whose utterances were cut to their middle.

    Attributes:
        seconds: of speech in each utterance.
        rows: int ``(kept,)``, which trials of the list they are.
        scores: float32 ``(kept,)``.
    """

    seconds: float
    rows: npt.NDArray[np.intp]
    scores: FloatArray


@dataclass(frozen=True, slots=True)
class FittedBackend:
    """What was fitted, and what it makes of the trials that it was fitted to.

    Attributes:
        backend: with its calibration.
        scores: float32 ``(trials,)``.
        short: the same of utterances cut to each length, ascending; without those that no trials are left of.
    """

    backend: Backend
    scores: FloatArray
    short: Sequence[ShortScores] = ()

    def calibration(
        self, trials: Trials, speakers: Mapping[str, str] | None = None, held_out: str = ""
    ) -> "Calibration":
        """Return the threshold that these scores give, and how often it and others err, also with little speech.

        Args:
            trials: those that it was fitted to.
            speakers: the speaker of each id; None: ids that target trials join are one speaker.
            held_out: hash of the names of the speakers that were held out of the model's training.
        """
        # Here, for it loads torch, which reports of scores do not need.
        from speakertrip.bundle import Calibration, LengthErrors

        first, second, _ = speaker_groups(trials, speakers)
        found = Calibration.of(self.scores, trials.targets, first, second, held_out)
        return found.with_lengths(
            LengthErrors.of(
                each.seconds,
                each.scores,
                trials.targets[each.rows],
                first[each.rows],
                second[each.rows],
                found.threshold,
            )
            for each in self.short
        )
