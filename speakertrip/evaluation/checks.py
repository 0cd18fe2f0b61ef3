"""Whether a trial list can be evaluated: both kinds of trials, known ids, and labels that agree with the speakers."""

from collections.abc import Mapping, Sequence

import numpy as np

from speakertrip.errors import DataError, counted
from speakertrip.manifests import Trials, Utterance
from speakertrip.metrics import speaker_groups
from speakertrip.metrics.bootstrap import IntArray


def check_trials(trials: Trials, speakers: Mapping[str, str] | None) -> tuple[IntArray, IntArray, int]:
    """Check a trial list against a manifest, before hours are spent on it.

    Args:
        trials: the pairs and their truth.
        speakers: the speaker of each id; None: ids that target trials join count as one speaker.

    Returns:
        The speakers of both sides of each trial, and how many there are; see ``speaker_groups``.

    Raises:
        DataError: an id has no speaker, targets or nontargets are missing, or a label contradicts the speakers.
    """
    if speakers is not None:
        require_ids(trials.ids, speakers)
    if not trials.targets.any() or trials.targets.all():
        missing = "nontarget" if trials.targets.any() else "target"
        raise DataError(f"The trial list holds no {missing} trial; an error rate needs both kinds.")
    first, second, count = speaker_groups(trials, speakers)
    wrong = np.flatnonzero((first == second) != trials.targets)
    if len(wrong):
        row = int(wrong[0])
        label, truth = ("target", "two speakers") if trials.targets[row] else ("nontarget", "one speaker")
        source = "the manifest says" if speakers is not None else "the target trials of the list join both to"
        pair = f"the trial {trials.ids[trials.first[row]]} and {trials.ids[trials.second[row]]}"
        trial = f"{trials.where(row)}: {pair}" if trials.lines else f"T{pair[1:]}"
        raise DataError(
            f"{trial} is labelled {label}, but {source} {truth} ({counted(len(wrong), 'such trial')})."
        )
    return first, second, count


def speakers_of(
    utterances: Sequence[Utterance], models: Mapping[str, Sequence[str]] | None = None
) -> dict[str, str]:
    """Return the speaker of each utterance id and of each enrollment model.

    Raises:
        DataError: a model mixes speakers or names an id that the manifest lacks.
    """
    speakers = {utterance.id: utterance.speaker for utterance in utterances}
    for model, ids in (models or {}).items():
        require_ids(ids, speakers)
        of_model = {speakers[id_] for id_ in ids}
        if len(of_model) > 1:
            raise DataError(f"The enrollment model {model} mixes speakers: {', '.join(sorted(of_model))}.")
        speakers[model] = of_model.pop()
    return speakers


def require_ids(ids: Sequence[str], known: Mapping[str, object]) -> None:
    """Check that a manifest holds some ids.

    Raises:
        DataError: it does not.
    """
    missing = [id_ for id_ in dict.fromkeys(ids) if id_ not in known]
    if missing:
        more = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
        raise DataError(
            f"The manifest does not hold {missing[0]}{more}, which the trials or the enrollment map name."
        )
