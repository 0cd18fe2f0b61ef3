"""Fit a backend: its steps to a cohort of training speakers, its calibration to a trial list of others."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from speakertrip.backend import (
    LDA,
    PLDA,
    Backend,
    Calibration,
    FittedOn,
    IsotonicCalibration,
    LinearCalibration,
    NormKind,
    unit_rows,
)
from speakertrip.backend.calibration import P_TARGET
from speakertrip.backend.pipeline import TOP
from speakertrip.corpora import thin_speakers
from speakertrip.errors import DataError, UsageError, counted
from speakertrip.evaluation.calibrating import Method
from speakertrip.evaluation.checks import check_trials, speakers_of
from speakertrip.evaluation.fitted import FittedBackend, ShortScores
from speakertrip.evaluation.lengths import cut_trials, require_lengths
from speakertrip.evaluation.scoring import Embedded, embed_sides
from speakertrip.manifests import Trials, Utterance

if TYPE_CHECKING:
    from speakertrip.embedding import Embedder

FloatArray = npt.NDArray[np.float32]
Quality = Literal["seconds", "magnitude", "cohort"]


@dataclass(frozen=True, slots=True)
class BackendRecipe:
    """Which steps a backend shall have.

    Attributes:
        centre: subtract the mean of the cohort's speakers.
        lda: dimensions to keep; None: no LDA.
        plda: score by PLDA instead of the cosine.
        norm: score norm against the cohort; None: none.
        top: how many of the highest cohort scores count in adaptive S-norm.
        quality: measures that the calibration takes beside the score.
        method: of the calibration.
        p_target: prior at which a linear calibration shall be best.
        utterances: of each cohort speaker, at most so many are embedded.
        seed: of their draw.

    Raises:
        UsageError: an isotonic calibration with quality measures, or the quality measure "cohort" without a norm.
    """

    centre: bool = False
    lda: int | None = None
    plda: bool = False
    norm: NormKind | None = None
    top: int = TOP
    quality: tuple[Quality, ...] = ()
    method: Method = "linear"
    p_target: float = P_TARGET
    utterances: int = 5
    seed: int = 0

    def __post_init__(self) -> None:
        if self.method == "isotonic" and self.quality:
            raise UsageError(
                "An isotonic calibration takes the score alone; quality measures need a linear one."
            )
        if "cohort" in self.quality and self.norm is None:
            raise UsageError("The cohort as a quality measure needs a score norm.")

    @property
    def needs_cohort(self) -> bool:
        """Whether any step is fitted to a cohort."""
        return self.centre or self.lda is not None or self.plda or self.norm is not None


def fit_backend(
    embedder: "Embedder",
    recipe: BackendRecipe,
    trials: Trials,
    utterances: Sequence[Utterance],
    models: Mapping[str, Sequence[str]] | None = None,
    cohort: Sequence[Utterance] = (),
    adapt: Sequence[Utterance] = (),
    name: str = "trials",
    progress: Callable[[int], None] = lambda done: None,
    lengths: Sequence[float] = (),
) -> FittedBackend:
    """Fit a backend.

    Where the calibration takes seconds as a measure, it is fitted to the trials cut to ``lengths`` too: on whole
    utterances alone it learns of the corpora that have short ones, and not of what little speech does.

    Args:
        embedder: the model.
        recipe: which steps.
        trials: to fit the calibration to.
        utterances: a manifest that holds every id of the list.
        models: utterance ids of each enrollment model.
        cohort: utterances of other speakers, best those that the model was trained on, where a step needs them.
        adapt: utterances of the domain where it will be used, of unknown speakers; PLDA adapts to them.
        name: of the trial list, for the record.
        progress: called with the number of utterances embedded since the last call.
        lengths: seconds of speech that the trials are scored with, too; see ``cut_trials``.

    Returns:
        The backend, and its scores of the trials.

    Raises:
        DataError: the cohort is missing, shares a speaker with the trials, or cannot be fitted to.
        AudioError: an utterance cannot be used.
        UsageError: there is a cohort that no step is fitted to, or something to adapt to, but no PLDA; or a length is
            out of range.
    """
    require_lengths(lengths)
    speakers = speakers_of(utterances, models)
    check_trials(trials, speakers)
    shared = {speakers[id_] for id_ in trials.ids} & {utterance.speaker for utterance in cohort}
    if shared:
        raise DataError(
            f"The cohort holds {counted(len(shared), 'speaker')} of the trials, {min(shared)} among them."
        )
    if adapt and not recipe.plda:
        raise UsageError("Only PLDA adapts to another domain; ask for it, or leave out the utterances.")
    if cohort and not recipe.needs_cohort:
        raise UsageError(
            "Only centring, LDA, PLDA and score norms are fitted to a cohort; ask for one, or leave out its manifest."
        )
    if recipe.needs_cohort and not cohort:
        raise DataError("Centring, LDA, PLDA and score norms are fitted to a cohort; name its manifest.")
    try:
        backend = _fit_steps(embedder, recipe, cohort, progress) if recipe.needs_cohort else Backend()
        if adapt and backend.plda:
            rows = backend.prepare(embedder.embed_utterances(adapt, progress))
            backend = replace(backend, plda=backend.plda.adapt(rows))
        sides = embed_sides(embedder, trials, utterances, models, progress, backend)
        short = (
            cut_trials(embedder, lengths, trials, utterances, models, backend, progress) if lengths else []
        )
        pooled = [(sides, trials.targets)]
        if "seconds" in recipe.quality:
            pooled += [(each.embedded, trials.targets[each.rows]) for each in short]
        calibration = _fit_calibration(recipe, backend, pooled)
    except ValueError as error:
        raise DataError(f"The backend cannot be fitted: {error}.") from None
    fitted = replace(backend, calibration=calibration, fitted_on=FittedOn.of(trials, name))
    of_short = [ShortScores(each.seconds, each.rows, fitted.score(*each.embedded)) for each in short]
    return FittedBackend(fitted, fitted.score(*sides), of_short)


def _fit_calibration(
    recipe: BackendRecipe,
    backend: Backend,
    pooled: Sequence[tuple[Embedded, npt.NDArray[np.bool_]]],
) -> Calibration:
    names = ("score", *(column for q in recipe.quality for column in _columns_of(q)))
    values = []
    for embedded, _ in pooled:
        columns = backend.columns(*embedded, quality=bool(recipe.quality))
        missing = [column for column in names if column not in columns]
        if missing:
            raise DataError(f"{missing[0]} is not known of these trials: the manifest lacks durations.")
        values.append(np.column_stack([columns[column] for column in names]))
    inputs, targets = np.concatenate(values), np.concatenate([truth for _, truth in pooled])
    if recipe.method == "isotonic":
        return IsotonicCalibration.fit(inputs[:, 0], targets)
    return LinearCalibration.fit(inputs, targets, names, recipe.p_target)


def _columns_of(quality: Quality) -> tuple[str, str]:
    stem = quality if quality == "cohort" else f"log_{quality}"
    return f"{stem}_min", f"{stem}_max"


def _fit_steps(
    embedder: "Embedder", recipe: BackendRecipe, cohort: Sequence[Utterance], progress: Callable[[int], None]
) -> Backend:
    chosen = thin_speakers(cohort, recipe.utterances, recipe.seed)
    units = unit_rows(embedder.embed_utterances(chosen, progress))
    _, speakers = np.unique([utterance.speaker for utterance in chosen], return_inverse=True)
    prepared = Backend()
    if recipe.centre or recipe.lda or recipe.plda:
        centre = _means(units, speakers).mean(axis=0)
        lda = None if recipe.lda is None else LDA.fit(units - centre, speakers, recipe.lda)
        prepared = Backend(centre=centre, lda=lda)
    rows = prepared.prepare(units)
    plda = PLDA.fit(rows, speakers) if recipe.plda else None
    kept = _means(rows, speakers) if recipe.norm is not None else None
    return replace(prepared, plda=plda, cohort=kept, norm=recipe.norm, top=recipe.top)


def _means(rows: FloatArray, speakers: npt.NDArray[np.intp]) -> FloatArray:
    """Return the mean over each speaker's rows."""
    means = np.zeros((speakers.max() + 1, rows.shape[1]), dtype=np.float32)
    np.add.at(means, speakers, rows)
    return np.asarray(means / np.bincount(speakers)[:, None], dtype=np.float32)
