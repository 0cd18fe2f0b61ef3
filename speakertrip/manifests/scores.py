"""Score files: ``enrollment test score``, joined to a trial list by the pair, in any order."""

import math

import numpy as np
import numpy.typing as npt

from speakertrip.errors import DataError
from speakertrip.manifests.lines import FilePath, read_lines, split_fields, write_lines
from speakertrip.manifests.trials import Trials, separator


def write_scores(path: FilePath, trials: Trials, scores: npt.NDArray[np.floating]) -> None:
    """Write one line per trial, each score with 9 significant digits (float32 survives exactly).

    Args:
        path: the file to write.
        trials: the pairs.
        scores: ``(trials,)``, higher for the same speaker.

    Raises:
        DataError: an id cannot stand in a list.
        StorageError: the file cannot be written.
    """
    sep = separator(trials.enrollments, trials.tests)
    rows = zip(trials.enrollments, trials.tests, scores, strict=True)
    write_lines(path, (f"{enrollment}{sep}{test}{sep}{score:.9g}" for enrollment, test, score in rows))


def read_scores(path: FilePath, trials: Trials) -> npt.NDArray[np.float64]:
    """Read the scores of a trial list, in the order of the list.

    Returns:
        float64 array ``(trials,)``.

    Raises:
        DataError: the file cannot be read, a line is malformed or not finite, a pair has two different scores or
            is not in the list, or a trial has no score.
    """
    wanted = set(zip(trials.enrollments, trials.tests, strict=True))
    found: dict[tuple[str, str], float] = {}
    for number, text in read_lines(path, "score file"):
        fields = split_fields(text)
        score = _number(fields[2]) if len(fields) == 3 else None
        if score is None:
            raise DataError(f"{path}, line {number}: expected 'enrollment test score', found {text!r}.")
        if not math.isfinite(score):
            raise DataError(f"{path}, line {number}: the score {fields[2]} is not finite.")
        pair = (fields[0], fields[1])
        if pair not in wanted:
            raise DataError(f"{path}, line {number}: {pair[0]} and {pair[1]} are not a trial of the list.")
        if found.setdefault(pair, score) != score:  # twice the same is what a list with a pair twice gives
            raise DataError(f"{path}, line {number}: {pair[0]} and {pair[1]} have another score above.")
    for pair in zip(trials.enrollments, trials.tests, strict=True):
        if pair not in found:
            raise DataError(f"{path}: no score for the trial {pair[0]} and {pair[1]}.")
    return np.array([found[pair] for pair in zip(trials.enrollments, trials.tests, strict=True)])


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
