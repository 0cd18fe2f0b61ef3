"""Early stopping: when the error rate on held-out speakers has ceased to fall by more than chance."""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from speakertrip.metrics import Resample, equal_error_rate, paired_differences


class Patience(nn.Module):
    """Counts validations in a row that brought no real gain; kept in ``state_dict``.

    A validation brings a gain if its EER is lower than that of the last one that did, and the 95 % interval of the
    difference, over the same draws of speakers for both (``paired_differences``), leaves out 0. The first one does.
    That interval is far narrower than those of the two rates, which share what makes a draw of speakers hard; and
    because small gains are held against the last real one, they add up until they are one.

    Args:
        most: validations without a gain that end a run, at least 1.
        targets: bool ``(trials,)`` of the list that is scored each time.
        enrollment_speakers: int ``(trials,)``, from 0.
        test_speakers: int ``(trials,)``.

    Attributes:
        scores: ``(trials,)`` of the last validation that brought a gain.
        without_gain: validations since; -1 before the first.

    Example:
        >>> speakers, others = np.array([0, 1, 2, 0, 1, 2]), np.array([0, 1, 2, 1, 2, 0])
        >>> patience = Patience(2, speakers == others, speakers, others)
        >>> good, bad = np.float32([0.9, 0.8, 0.7, 0.1, 0.2, 0.3]), np.float32([0.1, 0.2, 0.3, 0.9, 0.8, 0.7])
        >>> for scores in (bad, good, good, good):
        ...     patience.add(scores)
        >>> int(patience.without_gain), patience.spent
        (2, True)
    """

    scores: Tensor
    without_gain: Tensor

    def __init__(
        self,
        most: int,
        targets: npt.NDArray[np.bool_],
        enrollment_speakers: npt.NDArray[np.int64],
        test_speakers: npt.NDArray[np.int64],
    ) -> None:
        super().__init__()
        self.most, self.targets = most, targets
        self.enrollment_speakers, self.test_speakers = enrollment_speakers, test_speakers
        self.register_buffer("scores", torch.zeros(len(targets)))
        self.register_buffer("without_gain", torch.tensor(-1))

    @property
    def spent(self) -> bool:
        """Whether the run should end."""
        return int(self.without_gain) >= self.most

    def add(self, scores: npt.NDArray[np.float32]) -> None:
        """Take in the scores ``(trials,)`` of a validation, as the backend gives them."""
        if self.without_gain < 0 or self._gains(scores):
            self.scores.copy_(torch.from_numpy(scores))
            self.without_gain.zero_()
        else:
            self.without_gain += 1

    def _gains(self, scores: npt.NDArray[np.float32]) -> bool:
        found = paired_differences(
            scores,
            self.scores.numpy(),
            self.targets,
            self.enrollment_speakers,
            self.test_speakers,
            {"eer": _eer},
        )["eer"]
        return found.difference < 0 and found.real


def _eer(resample: Resample) -> float:
    return equal_error_rate(resample.curve)
