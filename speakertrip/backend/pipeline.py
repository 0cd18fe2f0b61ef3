"""The backend: from embeddings to scores, step by step, the same for a list of millions and for one pair."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from speakertrip.backend.calibration import Calibration, IsotonicCalibration, LinearCalibration
from speakertrip.backend.cosine import inner_products, unit_rows
from speakertrip.backend.fitted import FittedOn
from speakertrip.backend.lda import LDA
from speakertrip.backend.normalisation import CohortStatistics, NormKind, cohort_statistics, normalise
from speakertrip.backend.plda import PLDA
from speakertrip.backend.quality import SideQuality, quality_columns
from speakertrip.backend.sides import Sides

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.integer]
TOP = 300  # highest cohort scores that count in adaptive S-norm


@dataclass(frozen=True)
class Backend:
    """What is done with embeddings, in this order; a step that is None is left out.

    Unit length, minus ``centre``, through ``lda``, unit length again (``prepare``, of each utterance); the mean over a
    side's utterances (``sides``); the cosine, or the ratio of ``plda``; ``norm`` against the ``cohort``; and
    ``calibration``, with quality measures where it names any (``score``). Without any step: the cosine.

    Attributes:
        centre: float32 ``(dim,)``, the mean of unit embeddings.
        lda: a projection.
        plda: in place of the cosine.
        cohort: float32 ``(speakers, kept)``, the mean of each training speaker's prepared utterances.
        norm: which score norm, where there is a cohort.
        top: how many of the highest cohort scores count in adaptive S-norm.
        calibration: to natural-log likelihood ratios.
        fitted_on: the trials that the calibration was fitted on.

    Raises:
        ValueError: a norm without a cohort.

    Examples:
        >>> backend = Backend()
        >>> embeddings = np.array([[2, 0], [0, 1], [1, 1]], np.float32)
        >>> speakers = backend.sides(embeddings, [[0, 1], [2]])
        >>> tests = backend.sides(embeddings, [[0]])
        >>> backend.score(speakers, tests, np.array([0, 1]), np.array([0, 0])).round(3)
        array([0.707, 0.707], dtype=float32)
    """

    centre: FloatArray | None = None
    lda: LDA | None = None
    plda: PLDA | None = None
    cohort: FloatArray | None = None
    norm: NormKind | None = None
    top: int = TOP
    calibration: Calibration | None = None
    fitted_on: FittedOn | None = None

    def __post_init__(self) -> None:
        if self.norm is not None and (self.cohort is None or not len(self.cohort)):
            raise ValueError(f"{self.norm}-norm needs a cohort")

    def prepare(self, embeddings: FloatArray) -> FloatArray:
        """Prepare utterances: ``(n, dim)`` to unit rows ``(n, dim)``, fewer columns with LDA."""
        rows = unit_rows(embeddings)
        if self.centre is not None:
            rows = rows - self.centre
        if self.lda is not None:
            rows = self.lda(rows)
        return unit_rows(rows)

    def sides(
        self,
        embeddings: FloatArray,
        groups: list[list[int]] | None = None,
        seconds: npt.NDArray[np.float64] | None = None,
    ) -> Sides:
        """Make sides of trials of raw embeddings.

        Args:
            embeddings: ``(utterances, dim)``.
            groups: the rows of each side; None: each utterance is one.
            seconds: ``(utterances,)``, where known.
        """
        rows = [[row] for row in range(len(embeddings))] if groups is None else groups
        return Sides.of(embeddings, self.prepare(embeddings), rows, seconds)

    def score(self, enrollments: Sides, tests: Sides, first: IntArray, second: IntArray) -> FloatArray:
        """Score trials.

        Args:
            enrollments: of ``sides``.
            tests: of ``sides``.
            first: ``(trials,)``, rows of the enrollments.
            second: ``(trials,)``, rows of the tests.

        Returns:
            float32 ``(trials,)``, higher for the same speaker: natural-log likelihood ratios if there is a calibration.

        Raises:
            ValueError: the calibration names a quality measure that a side lacks.
        """
        names = self.calibration.names if isinstance(self.calibration, LinearCalibration) else ("score",)
        columns = self.columns(enrollments, tests, first, second, quality=len(names) > 1)
        missing = [name for name in names if name not in columns]
        if missing:
            raise ValueError(f"the calibration needs {missing[0]}, which is not known of these trials")
        if self.calibration is None:
            found: npt.NDArray[np.floating] = columns["score"]
        else:
            values = np.column_stack([columns[name] for name in names])
            found = self.calibration(values if len(names) > 1 else values[:, 0])
        if enrollments.offsets is not None:
            found = found - enrollments.offsets[first]
        return np.asarray(found, dtype=np.float32)

    def recalibrated(self, by: LinearCalibration) -> "Backend":
        """Return a backend that gives the scores of this one through another calibration, of one column.

        Example:
            >>> once = Backend(calibration=LinearCalibration(("score",), np.array([2.0]), 1.0))
            >>> twice = once.recalibrated(LinearCalibration(("score",), np.array([3.0]), 0.5))
            >>> twice.calibration([0.0, 1.0])
            array([3.5, 9.5])
        """
        before = self.calibration
        if isinstance(before, IsotonicCalibration):
            return replace(self, calibration=IsotonicCalibration(before.thresholds, by(before.llrs)))
        if before is not None:
            weights, bias = by.weights[0] * before.weights, float(by([before.bias])[0])
            return replace(self, calibration=LinearCalibration(before.names, weights, bias))
        return replace(self, calibration=by)

    def columns(
        self, enrollments: Sides, tests: Sides, first: IntArray, second: IntArray, quality: bool = True
    ) -> Mapping[str, npt.NDArray[np.floating]]:
        """Return what a calibration is fitted to, each ``(trials,)``: "score" and, if asked, quality measures."""
        left, right = self._left(enrollments.embeddings, enrollments.counts), self._right(tests.embeddings)
        scores = inner_products(left, right, first, second)
        if self.plda is None:
            np.clip(scores, -1, 1, out=scores)
        one = SideQuality(enrollments.seconds, enrollments.magnitudes)
        other = SideQuality(tests.seconds, tests.magnitudes)
        if self.cohort is not None and self.norm is not None:
            on_left, on_right = self._statistics(left, right)
            scores = normalise(scores, on_left, on_right, first, second, self.norm)
            one, other = replace(one, cohort=on_left.mean), replace(other, cohort=on_right.mean)
        return {"score": scores, **(quality_columns(one, other, first, second) if quality else {})}

    def on_cohort(self, sides: Sides) -> CohortStatistics | None:
        """Return what a score norm needs of sides that the cosine compares, ``(n,)`` each; None without a norm.

        Raises:
            ValueError: there is ``plda``, which knows enrollments and tests apart.
        """
        if self.plda is not None:
            raise ValueError("PLDA scores the cohort as enrollments or as tests")
        return None if self.norm is None else self._on_cohort(unit_rows(sides.embeddings))

    def _left(self, means: FloatArray, counts: npt.NDArray[np.int64]) -> FloatArray:
        return unit_rows(means) if self.plda is None else self.plda.enrollments(means, counts)

    def _right(self, means: FloatArray) -> FloatArray:
        return unit_rows(means) if self.plda is None else self.plda.tests(means)

    @cached_property
    def _cohort(self) -> tuple[FloatArray, FloatArray]:
        """The cohort as enrollments, and as tests; made once, for the pairs that come one by one."""
        rows = np.empty((0, 0), np.float32) if self.cohort is None else self.cohort
        return self._left(rows, np.ones(len(rows), np.int64)), self._right(rows)

    def _statistics(self, left: FloatArray, right: FloatArray) -> tuple[CohortStatistics, CohortStatistics]:
        """Score enrollments against the cohort as tests, and tests against it as enrollments."""
        if self.plda is not None:
            as_enrollments, as_tests = self._cohort
            on_left = cohort_statistics(left, as_tests, _product, self._counted)
            return on_left, cohort_statistics(right, as_enrollments, _product, self._counted)
        both = np.concatenate([left, right])  # the cosine knows no sides: an utterance on both counts once
        keys = both.view(np.dtype((np.void, both.strides[0]))).ravel()
        _, distinct, place = np.unique(keys, return_index=True, return_inverse=True)
        found = self._on_cohort(both[distinct])
        of_both = [
            CohortStatistics(found.mean[rows], found.deviation[rows])
            for rows in (place[: len(left)], place[len(left) :])
        ]
        return of_both[0], of_both[1]

    @property
    def _counted(self) -> int | None:
        return self.top if self.norm == "as" else None

    def _on_cohort(self, rows: FloatArray) -> CohortStatistics:
        return cohort_statistics(rows, self._cohort[1], _product, self._counted)


def _product(sides: FloatArray, others: FloatArray) -> FloatArray:
    return np.asarray(sides @ others.T)
