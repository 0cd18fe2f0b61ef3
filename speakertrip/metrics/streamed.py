"""Error rates of more scores than fit in memory: read from disk in passes, counted in two levels of bins.

A float32 has 2**32 values in a known order. The first pass counts the scores in 2**16 bins by their upper 16 bits;
further passes count each value by its lower 16 bits within those bins alone where the EER or a lowest cost may lie.
So the result is exact, whatever the scores are, and the memory does not depend on how many there are.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from speakertrip.manifests.lines import FilePath
from speakertrip.metrics.costs import OperatingPoint
from speakertrip.metrics.det import DetCurve, IntArray, curve_of_masses
from speakertrip.metrics.score_bins import BINS, ScoreFile, scores_of
from speakertrip.metrics.sparse import lower_bounds

AT_ONCE = 128  # bins looked into in one pass, at most: 128 MiB of counts


@dataclass(frozen=True, slots=True)
class StreamedRates:
    """What was counted in two files of scores.

    Attributes:
        curve: gives the EER, and the lowest cost at the operating points that were named, exactly; elsewhere it is as
            coarse as one point for each 1/128 of a score's size.
        cllr: as of ``speakertrip.metrics.cllr``.
        targets: how many.
        nontargets: how many.
    """

    curve: DetCurve
    cllr: float
    targets: int
    nontargets: int


def stream_rates(
    targets: FilePath, nontargets: FilePath, points: Sequence[OperatingPoint] = ()
) -> StreamedRates:
    """Count the error rates of scores on disk, in two or a few more passes and less than 300 MB of memory.

    Args:
        targets: ``.npy`` file of the scores of the target trials, float32 ``(targets,)``, finite, in any order.
        nontargets: the same of the nontarget trials.
        points: where the lowest cost shall be exact.

    Raises:
        DataError: a file is missing, is no such array, holds no score or one that is not finite.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> from speakertrip.metrics import equal_error_rate
        >>> with TemporaryDirectory() as folder:
        ...     np.save(f"{folder}/targets.npy", np.array([0.35, 0.8], np.float32))
        ...     np.save(f"{folder}/nontargets.npy", np.array([0.1, 0.4], np.float32))
        ...     rates = stream_rates(f"{folder}/targets.npy", f"{folder}/nontargets.npy")
        >>> equal_error_rate(rates.curve)
        0.5
    """
    files = ScoreFile.open(targets), ScoreFile.open(nontargets)
    (on_targets, bits), (on_nontargets, other_bits) = files[0].look(truth=True), files[1].look(truth=False)
    masses = np.stack([np.arange(BINS) * BINS, on_targets, on_nontargets])
    masses = masses[:, masses[1:].any(axis=0)]
    seen = np.zeros(BINS, dtype=np.bool_)
    while True:
        curve = curve_of_masses(scores_of(masses[0]), masses[1], masses[2])
        wanted = _promising(curve, points, masses[0] // BINS, seen)
        if not len(wanted):
            return StreamedRates(curve, (bits + other_bits) / 2, files[0].count, files[1].count)
        seen[wanted] = True
        fine = np.stack([file.look_into(wanted) for file in files])
        values = np.flatnonzero(fine.any(axis=0))
        within = np.stack([wanted[values // BINS] * BINS + values % BINS, *fine[:, values]])
        masses = np.concatenate([masses[:, ~np.isin(masses[0] // BINS, wanted)], within], axis=1)
        masses = masses[:, np.argsort(masses[0])]


def _promising(
    curve: DetCurve, points: Sequence[OperatingPoint], bins: IntArray, seen: npt.NDArray[np.bool_]
) -> IntArray:
    """Return the bins to look into next: that of the EER, and those where a cost may be lower than any so far."""
    crossing = int(np.argmax(curve.miss >= curve.false_alarm)) - 1
    gain = np.full(len(bins), -np.inf)
    for point in points:
        best = point.cost(curve.miss, curve.false_alarm).min()
        gain = np.maximum(gain, best - lower_bounds(curve, point))
    gain[crossing] = np.inf
    gain[seen[bins]] = -np.inf
    order = np.argsort(-gain)[:AT_ONCE]
    return np.sort(bins[order[gain[order] > 0]])
