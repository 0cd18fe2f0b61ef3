"""Scores of a trial list by a model."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from speakertrip.backend import Backend, Sides
from speakertrip.errors import DataError
from speakertrip.evaluation.checks import check_trials, require_ids, speakers_of
from speakertrip.evaluation.report import Report, report
from speakertrip.manifests import Trials, Utterance

if TYPE_CHECKING:  # scores from elsewhere are evaluated without torch
    from speakertrip.embedding import Embedder

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.intp]
Embedded = tuple[Sides, Sides, IntArray, IntArray]  # what ``Backend.score`` takes
COSINE = Backend()


def score_trials(
    embedder: "Embedder",
    trials: Trials,
    utterances: Sequence[Utterance],
    models: Mapping[str, Sequence[str]] | None = None,
    progress: Callable[[int], None] = lambda done: None,
    backend: Backend = COSINE,
) -> FloatArray:
    """Embed the utterances of a trial list once each, and score its pairs.

    Args:
        embedder: the model.
        trials: the pairs.
        utterances: a manifest that holds every id of the list.
        models: utterance ids of each enrollment model; None: an enrollment is an utterance.
        progress: called with the number of utterances embedded since the last call.
        backend: how embeddings are scored; the cosine unless another is given.

    Returns:
        float32 ``(trials,)``, higher for the same speaker.

    Raises:
        DataError: an id of the list or the map is not in the manifest, or the backend needs durations that it lacks.
        AudioError: an utterance cannot be used.
    """
    embedded = embed_sides(embedder, trials, utterances, models, progress, backend)
    try:
        return backend.score(*embedded)
    except ValueError as error:
        raise DataError(f"The trials cannot be scored: {error}.") from None


def embed_sides(
    embedder: "Embedder",
    trials: Trials,
    utterances: Sequence[Utterance],
    models: Mapping[str, Sequence[str]] | None = None,
    progress: Callable[[int], None] = lambda done: None,
    backend: Backend = COSINE,
) -> Embedded:
    """Return what ``Backend.score`` and ``Backend.columns`` take; see ``score_trials``."""
    chosen = utterances_of(trials, utterances, models)
    embeddings = embedder.embed_utterances(chosen, progress)
    seconds = np.array([np.nan if u.duration is None else u.duration for u in chosen])
    row = {utterance.id: place for place, utterance in enumerate(chosen)}
    known = None if np.isnan(seconds).any() else seconds
    return make_sides(trials, models, backend, row, embeddings, known)


def utterances_of(
    trials: Trials, utterances: Sequence[Utterance], models: Mapping[str, Sequence[str]] | None
) -> list[Utterance]:
    """Return the utterances of a trial list, once each.

    Raises:
        DataError: an id of the list or the map is not in the manifest.
    """
    names = [trials.ids[row] for row in np.unique(trials.first)]
    tests = [trials.ids[row] for row in np.unique(trials.second)]
    of_models = (id_ for name in names for id_ in (models or {}).get(name, [name]))
    by_id = {utterance.id: utterance for utterance in utterances}
    needed = list(dict.fromkeys([*of_models, *tests]))
    require_ids(needed, by_id)
    return [by_id[id_] for id_ in needed]


def make_sides(
    trials: Trials,
    models: Mapping[str, Sequence[str]] | None,
    backend: Backend,
    row: Mapping[str, int],
    embeddings: FloatArray,
    seconds: npt.NDArray[np.float64] | None,
) -> Embedded:
    """Return what ``Backend.score`` takes of embedded utterances.

    Args:
        trials: the pairs.
        models: utterance ids of each enrollment model.
        backend: that makes the sides.
        row: of each utterance, by its id.
        embeddings: ``(utterances, dim)``, raw.
        seconds: ``(utterances,)``; None where they are not known.
    """
    enrollments, first = np.unique(trials.first, return_inverse=True)
    tests, second = np.unique(trials.second, return_inverse=True)
    names = [trials.ids[place] for place in enrollments]
    groups = [[row[id_] for id_ in (models or {}).get(name, [name])] for name in names]
    return (
        backend.sides(embeddings, groups, seconds),
        backend.sides(embeddings, [[row[trials.ids[place]]] for place in tests], seconds),
        first,
        second,
    )


def evaluate(
    embedder: "Embedder",
    trials: Trials,
    utterances: Sequence[Utterance],
    models: Mapping[str, Sequence[str]] | None = None,
    backend: Backend = COSINE,
) -> Report:
    """Score a trial list and report its error rates; see ``score_trials`` and ``report``."""
    speakers = speakers_of(utterances, models)
    check_trials(trials, speakers)
    scores = score_trials(embedder, trials, utterances, models, backend=backend)
    return report(trials, scores, speakers)
