"""Trial list to report."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from speakertrip.backend import mean_of_units, pair_scores
from speakertrip.embedding import Embedder
from speakertrip.errors import DataError
from speakertrip.manifests import Trials, Utterance
from speakertrip.metrics import (
    convex_hull_eer,
    det_curve,
    eer_interval,
    equal_error_rate,
    min_dcf,
    speaker_groups,
)

P_TARGETS = (0.01, 0.05)  # always both: values at the two differ by a factor of 1.5 to 2
FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Report:
    """Error rates of a system on a trial list; all rates are fractions.

    Attributes:
        trials: how many, of which ``targets`` are target trials.
        speakers: how many on both sides.
        target_speakers: how many of them have target trials.
        eer: equal error rate by the VoxSRC rule.
        eer_interval: its 95 % interval by a bootstrap over speakers.
        eer_convex_hull: equal error rate on the convex hull of the ROC.
        min_dcf: normalised, by target prior, with unit costs.
    """

    trials: int
    targets: int
    speakers: int
    target_speakers: int
    eer: float
    eer_interval: tuple[float, float]
    eer_convex_hull: float
    min_dcf: Mapping[float, float]

    def to_json(self) -> dict[str, Any]:
        """Return the report as JSON types."""
        return {
            "trials": self.trials,
            "targets": self.targets,
            "speakers": self.speakers,
            "eer": self.eer,
            "eer_interval": list(self.eer_interval),
            "eer_convex_hull": self.eer_convex_hull,
            "min_dcf": {f"{p:g}": cost for p, cost in self.min_dcf.items()},
        }


def score_trials(
    embedder: Embedder,
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
    sides = {name: list((models or {}).get(name, [name])) for name in trials.enrollments}
    needed = list(dict.fromkeys([*(id_ for ids in sides.values() for id_ in ids), *trials.tests]))
    by_id = {utterance.id: utterance for utterance in utterances}
    _require_ids(needed, by_id)
    embeddings = embedder.embed_utterances([by_id[id_] for id_ in needed], progress)
    row = {id_: place for place, id_ in enumerate(needed)}
    names = {name: place for place, name in enumerate(sides)}
    enrollments = np.stack([mean_of_units(embeddings[[row[id_] for id_ in ids]]) for ids in sides.values()])
    first = np.array([names[name] for name in trials.enrollments])
    second = np.array([row[id_] for id_ in trials.tests])
    return pair_scores(enrollments, embeddings, first, second)


def check_trials(trials: Trials, speakers: Mapping[str, str]) -> None:
    """Check a trial list against a manifest, before hours are spent on it.

    Args:
        trials: the pairs and their truth.
        speakers: the speaker of each id.

    Raises:
        DataError: an id has no speaker, targets or nontargets are missing, or a label contradicts the speakers.
    """
    _require_ids([*trials.enrollments, *trials.tests], speakers)
    _require_both_kinds(trials)
    first, second, _ = speaker_groups(trials, speakers)
    _require_labels(trials, first == second)


def report(trials: Trials, scores: npt.ArrayLike, speakers: Mapping[str, str] | None = None) -> Report:
    """Compute the error rates of scores on a trial list.

    Args:
        trials: the pairs and their truth.
        scores: ``(trials,)``, finite, higher for the same speaker.
        speakers: the speaker of each id; None: ids that target trials join count as one speaker.

    Raises:
        DataError: targets or nontargets are missing, or a label contradicts the speakers.
    """
    _require_both_kinds(trials)
    first, second, count = speaker_groups(trials, speakers)
    if speakers is not None:
        _require_labels(trials, first == second)
    curve = det_curve(scores, trials.targets)
    return Report(
        trials=len(trials),
        targets=int(trials.targets.sum()),
        speakers=count,
        target_speakers=len(np.unique(first[trials.targets])),
        eer=equal_error_rate(curve),
        eer_interval=eer_interval(scores, trials.targets, first, second),
        eer_convex_hull=convex_hull_eer(curve),
        min_dcf={p: min_dcf(curve, p) for p in P_TARGETS},
    )


def evaluate(
    embedder: Embedder,
    trials: Trials,
    utterances: Sequence[Utterance],
    models: Mapping[str, Sequence[str]] | None = None,
) -> Report:
    """Score a trial list and report its error rates; see ``score_trials`` and ``report``."""
    speakers = speakers_of(utterances, models)
    check_trials(trials, speakers)
    return report(trials, score_trials(embedder, trials, utterances, models), speakers)


def speakers_of(
    utterances: Sequence[Utterance], models: Mapping[str, Sequence[str]] | None = None
) -> dict[str, str]:
    """Return the speaker of each utterance id and of each enrollment model.

    Raises:
        DataError: a model mixes speakers or names an id that the manifest lacks.
    """
    speakers = {utterance.id: utterance.speaker for utterance in utterances}
    for model, ids in (models or {}).items():
        _require_ids(ids, speakers)
        of_model = {speakers[id_] for id_ in ids}
        if len(of_model) > 1:
            raise DataError(f"The enrollment model {model} mixes speakers: {', '.join(sorted(of_model))}.")
        speakers[model] = of_model.pop()
    return speakers


def _require_ids(ids: Sequence[str], known: Mapping[str, object]) -> None:
    missing = [id_ for id_ in dict.fromkeys(ids) if id_ not in known]
    if missing:
        more = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
        raise DataError(
            f"The manifest does not hold {missing[0]}{more}, which the trials or the enrollment map name."
        )


def _require_both_kinds(trials: Trials) -> None:
    if not trials.targets.any() or trials.targets.all():
        missing = "nontarget" if trials.targets.any() else "target"
        raise DataError(f"The trial list holds no {missing} trial; an error rate needs both kinds.")


def _require_labels(trials: Trials, same: npt.NDArray[np.bool_]) -> None:
    wrong = np.flatnonzero(same != trials.targets)
    if len(wrong):
        pair = f"{trials.enrollments[wrong[0]]} and {trials.tests[wrong[0]]}"
        label, truth = (
            ("target", "two speakers") if trials.targets[wrong[0]] else ("nontarget", "one speaker")
        )
        raise DataError(
            f"The trial {pair} is labelled {label}, but the manifest says {truth} ({len(wrong)} such trials)."
        )
