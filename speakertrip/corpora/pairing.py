"""Trial lists drawn from a manifest."""

from collections.abc import Sequence
from contextlib import suppress
from itertools import combinations

import numpy as np

from speakertrip.errors import DataError
from speakertrip.manifests import Trials, Utterance


def draw_trials(
    utterances: Sequence[Utterance], seed: int, targets: int = 5_000, nontargets: int = 20_000
) -> Trials:
    """Draw a trial list: all target pairs (cross-session where a speaker has any) and random nontarget pairs.

    Args:
        utterances: a manifest with two or more speakers.
        seed: of the draw.
        targets: at most so many target trials, a random subset of all.
        nontargets: at most so many nontarget trials; fewer where there are fewer distinct pairs.

    Returns:
        Targets first, then nontargets; no pair comes twice.

    Raises:
        DataError: no speaker has two utterances, or all are of one speaker.
    """
    rng = np.random.default_rng(seed)
    same = _target_pairs(utterances)
    if len(same) > targets:
        same = [same[i] for i in np.sort(rng.permutation(len(same))[:targets])]
    others = _nontarget_pairs(utterances, nontargets, rng)
    if not same or not others:
        raise DataError(
            "Trials need a speaker with two utterances and a second speaker; this manifest has no such."
        )
    pairs = [*same, *others]
    return Trials.of(
        [utterances[first].id for first, _ in pairs],
        [utterances[second].id for _, second in pairs],
        np.arange(len(pairs)) < len(same),
    )


def draw_trials_within(
    utterances: Sequence[Utterance], key: str, seed: int, targets: int = 5_000, nontargets: int = 20_000
) -> Trials:
    """Draw trials of which both sides agree in a key of the manifest, such as "corpus" or "device".

    Recordings of two corpora are told apart by their channels: nontarget trials across them promise fewer false alarms
    than there are among people who speak into one kind of microphone.

    Args:
        utterances: a manifest.
        key: one of its keys beyond the known ones.
        seed: of the draw.
        targets: at most so many target trials of each value, as of ``draw_trials``.
        nontargets: at most so many nontarget trials of each value.

    Returns:
        The trials of each value in turn, in the order of the manifest.

    Raises:
        DataError: an utterance lacks the key, or no value has a speaker with two utterances and a second speaker.
    """
    groups: dict[str, list[Utterance]] = {}
    for utterance in utterances:
        if key not in utterance.extra:
            raise DataError(f"The utterance {utterance.id} has no {key}.")
        groups.setdefault(str(utterance.extra[key]), []).append(utterance)
    parts: list[Trials] = []
    for of_one in groups.values():
        with suppress(
            DataError
        ):  # a value with a single speaker, or none of two utterances, has no list of its own
            parts.append(draw_trials(of_one, seed, targets, nontargets))
    if not parts:
        raise DataError(f"No {key} has a speaker with two utterances and a second speaker.")
    return Trials.of(
        [id_ for part in parts for id_ in part.enrollments],
        [id_ for part in parts for id_ in part.tests],
        np.concatenate([part.targets for part in parts]),
    )


def _target_pairs(utterances: Sequence[Utterance]) -> list[tuple[int, int]]:
    by_speaker: dict[str, list[int]] = {}
    for index, utterance in enumerate(utterances):
        by_speaker.setdefault(utterance.speaker, []).append(index)
    pairs: list[tuple[int, int]] = []
    for indices in by_speaker.values():
        every = list(combinations(indices, 2))
        across = [(a, b) for a, b in every if utterances[a].session != utterances[b].session]
        pairs.extend(across or every)
    return pairs


def _nontarget_pairs(
    utterances: Sequence[Utterance], count: int, rng: np.random.Generator
) -> list[tuple[int, int]]:
    """Draw one side among all utterances and the other among those of other speakers, until there are enough."""
    _, speaker = np.unique([utterance.speaker for utterance in utterances], return_inverse=True)
    order = np.argsort(speaker, kind="stable")
    sizes = np.bincount(speaker)
    if len(sizes) < 2:
        return []
    size, begin = sizes[speaker[order]], (np.cumsum(sizes) - sizes)[speaker[order]]
    drawn: set[tuple[int, int]] = set()
    for _ in range(20):  # draws for each pair wanted: where there are fewer pairs, all of them turn up
        one = rng.integers(0, len(order), count)
        other = rng.integers(0, len(order) - size[one])
        other += np.where(other >= begin[one], size[one], 0)  # jump over the speaker's own utterances
        for pair in np.sort(order[np.stack([one, other], axis=1)], axis=1).tolist():
            if len(drawn) < count:
                drawn.add((pair[0], pair[1]))
        if len(drawn) == count:
            break
    return sorted(drawn)
