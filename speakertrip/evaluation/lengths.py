"""A trial list with its utterances cut short: what little speech does to the scores."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from speakertrip.audio import SAMPLE_RATE
from speakertrip.audio.excerpt import middles_of_speech
from speakertrip.audio.speech import MIN_SECONDS
from speakertrip.backend import Backend
from speakertrip.errors import UsageError
from speakertrip.evaluation.scoring import COSINE, Embedded, make_sides, utterances_of
from speakertrip.manifests import Trials, Utterance

if TYPE_CHECKING:
    from speakertrip.embedding import Embedder

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class ShortTrials:
    """The trials of a list whose utterances all hold so much speech, and can be cut to it.

    Attributes:
        seconds: of speech in each utterance.
        rows: int ``(kept,)``, which trials of the list they are, ascending.
        embedded: both sides, and the rows of each trial in them, as ``Backend.score`` takes them.
    """

    seconds: float
    rows: IntArray
    embedded: Embedded


def cut_trials(
    embedder: "Embedder",
    lengths: Sequence[float],
    trials: Trials,
    utterances: Sequence[Utterance],
    models: Mapping[str, Sequence[str]] | None = None,
    backend: Backend = COSINE,
    progress: Callable[[int], None] = lambda done: None,
) -> list[ShortTrials]:
    """Cut both sides of trials to their middle of so much speech, and embed them.

    An utterance that does not hold more is no utterance of that length, and its trials are left out: a rate is of what
    it says. So the trials of one length are not those of another. Of an enrollment model every utterance is cut.

    Args:
        embedder: the model.
        lengths: seconds of speech, each at least 0.4.
        trials: the pairs.
        utterances: a manifest that holds every id of the list.
        models: utterance ids of each enrollment model.
        backend: that makes the sides.
        progress: called with the number of utterances done since the last call.

    Returns:
        One for each distinct length, ascending, that both target and nontarget trials are left of.

    Raises:
        AudioError: an utterance cannot be used.
        DataError: an id of the list or the map is not in the manifest.
        UsageError: a length is out of range.
    """
    require_lengths(lengths)
    chosen = utterances_of(trials, utterances, models)
    pieces = _embed(embedder, sorted(set(lengths)), chosen, progress)
    found = [_left(seconds, cut, trials, models, backend) for seconds, cut in pieces.items()]
    return [each for each in found if each is not None]


def require_lengths(lengths: Sequence[float]) -> None:
    """Check lengths before hours are spent on them.

    Raises:
        UsageError: one is less than 0.4 s, which nobody is answered at, or not finite.
    """
    for length in lengths:
        if not MIN_SECONDS <= length < np.inf:
            raise UsageError(f"A length to measure is {MIN_SECONDS} s or more, not {length:g}.")


@dataclass(frozen=True, slots=True)
class _Cut:
    """Utterances that were cut: the row of each by its id, and their raw embeddings and seconds of audio."""

    row: dict[str, int]
    embeddings: list[FloatArray]
    seconds: list[float]


def _embed(
    embedder: "Embedder",
    lengths: Sequence[float],
    utterances: Sequence[Utterance],
    progress: Callable[[int], None],
) -> dict[float, _Cut]:
    from speakertrip.embedding.embedder import CHUNK, load_speech

    found = {length: _Cut({}, [], []) for length in lengths}
    for begin in range(0, len(utterances), CHUNK):
        chunk = utterances[begin : begin + CHUNK]
        pieces: dict[float, list[FloatArray]] = {length: [] for length in lengths}
        for utterance in chunk:
            middles = middles_of_speech(load_speech(utterance), lengths)
            for length, piece in zip(lengths, middles, strict=True):
                if piece is not None:
                    cut = found[length]
                    cut.row[utterance.id] = len(cut.row)
                    cut.seconds.append(len(piece) / SAMPLE_RATE)
                    pieces[length].append(piece)
        for length, waveforms in pieces.items():
            found[length].embeddings.extend(embedder.embed(waveforms))
        progress(len(chunk))
    return found


def _left(
    seconds: float, cut: _Cut, trials: Trials, models: Mapping[str, Sequence[str]] | None, backend: Backend
) -> ShortTrials | None:
    """Return the trials that are left at a length; None if they have no error rate."""
    whole = np.array([all(each in cut.row for each in (models or {}).get(id_, [id_])) for id_ in trials.ids])
    as_test = np.array([id_ in cut.row for id_ in trials.ids])
    rows = np.flatnonzero(whole[trials.first] & as_test[trials.second])
    targets = trials.targets[rows]
    if not targets.any() or targets.all():
        return None
    kept = Trials(trials.ids, trials.first[rows], trials.second[rows], targets)  # some ids are of no trial
    embeddings, length = np.stack(cut.embeddings), np.array(cut.seconds)
    return ShortTrials(seconds, rows, make_sides(kept, models, backend, cut.row, embeddings, length))
