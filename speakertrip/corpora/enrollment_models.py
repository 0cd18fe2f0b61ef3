"""Enrollment models of several utterances, drawn from a manifest."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from speakertrip.manifests import Utterance


@dataclass(frozen=True, slots=True)
class Model:
    """One speaker's enrollment: places of its utterances in the manifest."""

    name: str
    utterances: list[int]


def draw_models(
    utterances: Sequence[Utterance],
    count: int,
    rng: np.random.Generator,
    *,
    cross_session: bool = False,
    language: str | None = None,
) -> list[Model]:
    """Draw one model of ``count`` utterances for each speaker that has these and another utterance to test.

    Where trials are to cross sessions, a model is of one session, and the test of another; where they depend on
    the language ("same" or "cross"), a model is of one language.

    Returns:
        In the order of the speakers' first utterances; named after the speaker.
    """
    by_speaker: dict[str, dict[tuple[str | None, str | None], list[int]]] = {}
    for place, utterance in enumerate(utterances):
        kind = (utterance.session if cross_session else None, utterance.language if language else None)
        by_speaker.setdefault(utterance.speaker, {}).setdefault(kind, []).append(place)
    suffix = _free_suffix(by_speaker, {utterance.id for utterance in utterances})
    models = []
    for speaker, kinds in by_speaker.items():
        usable = [
            members
            for kind, members in kinds.items()
            if len(members) >= count and _tests_left(kind, kinds, count, cross_session, language)
        ]
        if usable:
            members = usable[rng.integers(len(usable))]
            chosen = np.sort(rng.permutation(len(members))[:count])
            models.append(Model(speaker + suffix, [members[place] for place in chosen.tolist()]))
    return models


def _tests_left(
    model: tuple[str | None, str | None],
    kinds: dict[tuple[str | None, str | None], list[int]],
    count: int,
    cross_session: bool,
    language: str | None,
) -> bool:
    """Tell whether a speaker has a target test for a model of this session and language."""
    for kind, members in kinds.items():
        session_fits = not cross_session or kind[0] != model[0]
        language_fits = language is None or (kind[1] == model[1]) == (language == "same")
        if session_fits and language_fits and (kind != model or len(members) > count):
            return True
    return False


def _free_suffix(speakers: dict[str, dict[tuple[str | None, str | None], list[int]]], ids: set[str]) -> str:
    """Return an ending that makes no speaker's name an utterance's id."""
    suffix = "-model"
    while any(speaker + suffix in ids for speaker in speakers):
        suffix += "-"
    return suffix
