"""Score normalisation: how a side of a trial scores against a cohort of other speakers."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
NormKind = Literal["z", "t", "s", "as"]
BLOCK_ELEMENTS = 2**22  # of scores between utterances and the cohort at a time: 16 MiB
FLOOR = 1e-6  # of a deviation: a cohort that scores all alike says nothing


@dataclass(frozen=True, slots=True)
class CohortStatistics:
    """Mean and deviation of the cohort's scores with each embedding.

    Attributes:
        mean: float32 ``(n,)``.
        deviation: float32 ``(n,)``, with ddof 0, at least ``FLOOR``.
    """

    mean: FloatArray
    deviation: FloatArray


def cohort_statistics(
    embeddings: FloatArray,
    cohort: FloatArray,
    score: Callable[[FloatArray, FloatArray], FloatArray],
    top: int | None = None,
) -> CohortStatistics:
    """Score embeddings against a cohort, in blocks, and describe the highest scores of each.

    Args:
        embeddings: ``(n, dim)``.
        cohort: ``(speakers, dim)``, one mean embedding per speaker.
        score: gives the scores ``(n, speakers)`` of two such arrays.
        top: how many of the highest scores count, as adaptive S-norm has it; None: all.

    Raises:
        ValueError: the cohort has no speaker, or ``top`` is below 1. A larger ``top`` than the cohort takes all of it.

    Examples:
        >>> found = cohort_statistics(np.eye(2, dtype=np.float32), np.eye(2, dtype=np.float32), lambda a, b: a @ b.T)
        >>> found.mean, found.deviation
        (array([0.5, 0.5], dtype=float32), array([0.5, 0.5], dtype=float32))
    """
    speakers = len(cohort)
    if not speakers or (top is not None and top < 1):
        raise ValueError(f"a cohort needs a speaker and counts at least one score, not {speakers} and {top}")
    kept = speakers if top is None else min(top, speakers)
    mean, deviation = np.empty(len(embeddings), np.float32), np.empty(len(embeddings), np.float32)
    rows = max(1, BLOCK_ELEMENTS // speakers)
    for begin in range(0, len(embeddings), rows):
        block = slice(begin, begin + rows)
        scores = score(embeddings[block], cohort)
        if kept < speakers:
            scores.partition(speakers - kept, axis=1)
        highest = scores[:, speakers - kept :]
        mean[block] = highest.mean(axis=1, dtype=np.float64)
        deviation[block] = highest.std(axis=1, dtype=np.float64)
    return CohortStatistics(mean, np.maximum(deviation, np.float32(FLOOR)))


def normalise(
    scores: FloatArray,
    enrollment: CohortStatistics,
    test: CohortStatistics,
    first: npt.NDArray[np.integer],
    second: npt.NDArray[np.integer],
    kind: NormKind = "as",
) -> FloatArray:
    """Normalise the scores of trials by what the cohort scores with their sides.

    Z-norm takes the enrollment side, ``(s - mean) / deviation``; T-norm the test side; S-norm the mean of both; and
    adaptive S-norm the same, over each side's own highest scores.

    Args:
        scores: ``(trials,)``.
        enrollment: of each enrollment; over the whole cohort, but for adaptive S-norm.
        test: of each test utterance.
        first: ``(trials,)``, rows of ``enrollment``.
        second: ``(trials,)``, rows of ``test``.
        kind: which norm.

    Returns:
        float32 ``(trials,)``.

    References:
        R. Auckenthaler et al., "Score normalization for text-independent speaker verification systems", Digital
        Signal Processing 10, 2000. P. Matějka et al., "Analysis of score normalization in multilingual speaker
        recognition", Interspeech 2017.

    Examples:
        >>> one = CohortStatistics(np.float32([0.1]), np.float32([0.2]))
        >>> other = CohortStatistics(np.float32([0.3]), np.float32([0.1]))
        >>> only = np.array([0])
        >>> normalise(np.float32([0.5]), one, other, only, only).round(4)
        array([2.], dtype=float32)
    """
    z = (scores - enrollment.mean[first]) / enrollment.deviation[first]
    t = (scores - test.mean[second]) / test.deviation[second]
    both = {"z": z, "t": t, "s": (z + t) / 2, "as": (z + t) / 2}
    return np.asarray(both[kind], dtype=np.float32)
