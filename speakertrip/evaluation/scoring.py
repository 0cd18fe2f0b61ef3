"""Scores of a trial list by a model."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from speakertrip.backend import mean_of_units, pair_scores
from speakertrip.evaluation.checks import check_trials, require_ids, speakers_of
from speakertrip.evaluation.report import Report, report
from speakertrip.manifests import Trials, Utterance

if TYPE_CHECKING:  # scores from elsewhere are evaluated without torch
    from speakertrip.embedding import Embedder

FloatArray = npt.NDArray[np.float32]


def score_trials(
    embedder: "Embedder",
    trials: Trials,
    utterances: Sequence[Utterance],
    models: Mapping[str, Sequence[str]] | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> FloatArray:
    """Embed the utterances of a trial list once each, and score its pairs by cosine.

    Args:
        embedder: the model.
        trials: the pairs.
        utterances: a manifest that holds every id of the list.
        models: utterance ids of each enrollment model; None: an enrollment is an utterance.
        progress: called with the number of utterances embedded since the last call.

    Returns:
        float32 ``(trials,)``, higher for the same speaker.

    Raises:
        DataError: an id of the list or the map is not in the manifest.
        AudioError: an utterance cannot be used.
    """
    names = [trials.ids[row] for row in np.unique(trials.first)]
    sides = [list((models or {}).get(name, [name])) for name in names]
    tests = [trials.ids[row] for row in np.unique(trials.second)]
    needed = list(dict.fromkeys([*(id_ for ids in sides for id_ in ids), *tests]))
    by_id = {utterance.id: utterance for utterance in utterances}
    require_ids(needed, by_id)
    embeddings = embedder.embed_utterances([by_id[id_] for id_ in needed], progress)
    row = {id_: place for place, id_ in enumerate(needed)}
    enrollments = np.stack([mean_of_units(embeddings[[row[id_] for id_ in ids]]) for ids in sides])
    first = np.unique(trials.first, return_inverse=True)[1]
    second = np.array([row[id_] for id_ in tests])[np.unique(trials.second, return_inverse=True)[1]]
    return pair_scores(enrollments, embeddings, first, second)


def evaluate(
    embedder: "Embedder",
    trials: Trials,
    utterances: Sequence[Utterance],
    models: Mapping[str, Sequence[str]] | None = None,
) -> Report:
    """Score a trial list and report its error rates; see ``score_trials`` and ``report``."""
    speakers = speakers_of(utterances, models)
    check_trials(trials, speakers)
    return report(trials, score_trials(embedder, trials, utterances, models), speakers)
