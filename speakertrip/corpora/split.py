"""Speaker-disjoint splits: the speakers that judge a model never train it."""

from collections.abc import Sequence

import numpy as np

from speakertrip.errors import DataError, counted
from speakertrip.manifests import Utterance


def split_speakers(
    utterances: Sequence[Utterance], held_out: int, seed: int
) -> tuple[list[Utterance], list[Utterance]]:
    """Hold out whole speakers, drawn among those that can make a target trial.

    Speakers with two or more utterances can make target trials, and those with two or more sessions make the
    honest ones. Held-out speakers are drawn from each of the two kinds in its share, so that validation sees
    cross-session pairs where the corpus has any, and training keeps some too.

    Args:
        utterances: a manifest.
        held_out: how many speakers to hold out.
        seed: of the draw.

    Returns:
        ``(kept, held)``: the utterances of the other speakers and of the held-out ones, in manifest order.

    Raises:
        ValueError: ``held_out`` is not positive.
        DataError: fewer than ``held_out`` speakers have two utterances, or none would be left.
    """
    if held_out < 1:
        raise ValueError(f"held_out must be at least 1, not {held_out}")
    sessions: dict[str, list[str | None]] = {}
    for utterance in utterances:
        sessions.setdefault(utterance.speaker, []).append(utterance.session)
    several = sorted(speaker for speaker, each in sessions.items() if len(set(each)) > 1)
    one = sorted(s for s, each in sessions.items() if len(each) > 1 and len(set(each)) == 1)
    if held_out > len(several) + len(one) or held_out >= len(sessions):
        raise DataError(
            f"Cannot hold out {counted(held_out, 'speaker')} for validation: of {counted(len(sessions), 'speaker')}, "
            f"{len(several) + len(one)} with two or more utterances. Lower validation.speakers."
        )
    rng = np.random.default_rng(seed)
    from_several = round(held_out * len(several) / (len(several) + len(one)))
    held = {*rng.permutation(several)[:from_several], *rng.permutation(one)[: held_out - from_several]}
    return (
        [u for u in utterances if u.speaker not in held],
        [u for u in utterances if u.speaker in held],
    )


def thin_speakers(utterances: Sequence[Utterance], most: int, seed: int) -> list[Utterance]:
    """Keep at most so many utterances of each speaker, drawn at random, in the order of the draw.

    Examples:
        >>> from pathlib import Path
        >>> kept = thin_speakers([Utterance(f"{n}", Path("a.wav"), "s") for n in range(9)], most=2, seed=0)
        >>> len(kept)
        2
    """
    kept: dict[str, int] = {}
    chosen = []
    for row in np.random.default_rng(seed).permutation(len(utterances)):
        speaker = utterances[row].speaker
        kept[speaker] = kept.get(speaker, 0) + 1
        if kept[speaker] <= most:
            chosen.append(utterances[row])
    return chosen
