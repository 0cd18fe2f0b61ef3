"""A trial list of enrolled speakers against utterances of a manifest, each of which is embedded once."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from speakertrip.audio import Quality, Recording
from speakertrip.backend import DecisionRule
from speakertrip.embedding.embedder import CHUNK
from speakertrip.enrollment import Scoring
from speakertrip.enrollment.search.people import People
from speakertrip.errors import AudioError, DataError
from speakertrip.manifests import Trials, Utterance
from speakertrip.verifier.facade import SpeakerVerifier

AHEAD = 8  # utterances decoded at a time, side by side; long ones are not kept
FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class TrialScores:
    """What was found of a trial list.

    Attributes:
        scores: float32 ``(trials,)``, higher for the same speaker; NaN where the test utterance cannot be used.
        errors: why an utterance cannot be used, by its id.
        speech_seconds: how much speech an utterance holds, by its id.
        rule: by which the scores were made and are decided on.
    """

    scores: FloatArray
    errors: dict[str, AudioError]
    speech_seconds: dict[str, float]
    rule: DecisionRule


def score_enrolled(
    verifier: SpeakerVerifier,
    trials: Trials,
    utterances: Sequence[Utterance],
    progress: Callable[[int, int], None] = lambda done, total: None,
    scoring: Scoring = "mean",
) -> TrialScores:
    """Score a trial list, whose enrollments are names of enrolled speakers.

    The scores are those of ``speakertrip.evaluation.score_trials`` with an enrollment map of the same utterances, if
    the speakers were enrolled from that manifest, the store has no calibration of its own, and scoring is by the mean.

    Args:
        verifier: with model and store.
        trials: the pairs; their truth is not looked at.
        utterances: a manifest that holds every test id of the list.
        progress: called with (utterances done since the last call, utterances in all).
        scoring: by the "mean" of a speaker's utterances, or by the "best" of them.

    Raises:
        DataError: a test id is not in the manifest.
        StoreError: a speaker is not enrolled, or was enrolled with another model.
        StorageError: the store's audit log is on, and the store cannot be written.

    Warns:
        SpeakertripWarning: a recording is of poor quality.
    """
    # Here, as a single answer needs nothing of that room.
    from speakertrip.evaluation.checks import require_ids

    names, first = np.unique(trials.first, return_inverse=True)
    tests, second = np.unique(trials.second, return_inverse=True)
    by_id = {utterance.id: utterance for utterance in utterances}
    ids = [trials.ids[row] for row in tests]
    require_ids(ids, by_id)
    rule = verifier.store_rule(scoring)
    profiles = [verifier.profile(trials.ids[row]) for row in names]
    people = People.of(profiles, rule.backend, scoring, rule.per_profile)
    heard = _hear(verifier, [by_id[id_] for id_ in ids], progress)
    scores = np.full(len(trials), np.nan, dtype=np.float32)
    usable = np.flatnonzero(heard.place[second] >= 0)
    if len(usable):
        sides = rule.backend.sides(np.stack(heard.embeddings), None, np.array(heard.seconds))
        places = {name: place for place, name in enumerate(people.names)}
        of_each = np.array([places[profile.name] for profile in profiles])
        try:
            scores[usable] = people.scores(
                rule.backend, sides, of_each[first[usable]], heard.place[second[usable]]
            )
        except ValueError as error:
            raise DataError(f"The trials cannot be scored: {error}.") from None
        decisions = (
            (profiles[row].identifier, rule.decide(score))
            for row, score in zip(first[usable], scores[usable], strict=True)
        )
        verifier.store.audit.all_decided("verify", verifier.bundle.identity, decisions)
    return TrialScores(scores, heard.errors, heard.speech, rule)


@dataclass(frozen=True, slots=True)
class _Heard:
    """Test utterances, those that can be used embedded; ``place`` is where each is among them, or -1."""

    embeddings: list[FloatArray]
    seconds: list[float]
    speech: dict[str, float]
    errors: dict[str, AudioError]
    place: npt.NDArray[np.int64]


def _hear(
    verifier: SpeakerVerifier, utterances: Sequence[Utterance], progress: Callable[[int, int], None]
) -> _Heard:
    heard = _Heard([], [], {}, {}, np.full(len(utterances), -1, dtype=np.int64))
    for number, (utterance, found) in enumerate(_embed(verifier, utterances, progress)):
        if isinstance(found, AudioError):
            heard.errors[utterance.id] = found
            continue
        quality, embedding = found
        heard.place[number] = len(heard.embeddings)
        heard.embeddings.append(embedding)
        heard.seconds.append(utterance.duration or quality.seconds)
        heard.speech[utterance.id] = quality.speech_seconds
    return heard


def _embed(
    verifier: SpeakerVerifier, utterances: Sequence[Utterance], progress: Callable[[int, int], None]
) -> Iterator[tuple[Utterance, AudioError | tuple[Quality, FloatArray]]]:
    """Yield each utterance with its measures and raw embedding, or why it cannot be used."""

    def load(utterance: Utterance) -> Recording | AudioError:
        try:
            recording = verifier.load_one(utterance)
            verifier.require_enough([recording], verifier.needs.comparison_seconds)
        except AudioError as error:
            return error
        return recording

    def waveforms(chunk: Sequence[Utterance], measured: list[Quality | AudioError]) -> Iterator[FloatArray]:
        for begin in range(0, len(chunk), AHEAD):
            for each in pool.map(load, chunk[begin : begin + AHEAD]):
                if isinstance(each, AudioError):
                    measured.append(each)
                else:
                    measured.append(each.quality)
                    yield each.waveform

    with ThreadPoolExecutor() as pool:
        for begin in range(0, len(utterances), CHUNK):
            chunk = utterances[begin : begin + CHUNK]
            measured: list[Quality | AudioError] = []
            embeddings = iter(verifier.embedder.embed(waveforms(chunk, measured)))
            for utterance, each in zip(chunk, measured, strict=True):
                yield utterance, each if isinstance(each, AudioError) else (each, next(embeddings))
            progress(len(chunk), len(utterances))
