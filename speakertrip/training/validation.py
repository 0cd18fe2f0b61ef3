"""The error rate on speakers held out of training, and the thresholds that are found there."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from os import cpu_count

import numpy as np
import numpy.typing as npt

from speakertrip.backend import Backend, FittedOn, LinearCalibration
from speakertrip.bundle import Calibration
from speakertrip.config import TrainConfig
from speakertrip.corpora import draw_trials, thin_speakers
from speakertrip.embedding import Embedder, load_speech
from speakertrip.errors import BundleError, DivergedError
from speakertrip.manifests import Utterance
from speakertrip.metrics import det_curve, min_dcf, speaker_groups
from speakertrip.training.processes import of_all, own_share

NAME = "speakers held out of training"
P_TARGETS = (0.01, 0.05)  # where the lowest cost is looked for: always both


def speakers_hash(names: Iterable[str]) -> str:
    """Return a hash of a set of speakers, by which a run tells whether another held out the same; hexadecimal.

    >>> speakers_hash(["b", "a", "b"]) == speakers_hash(["a", "b"])
    True
    """
    return hashlib.sha256(json.dumps(sorted(set(names))).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Validated:
    """What a validation found.

    Attributes:
        calibration: the equal error rate with its interval, its threshold, and those at other false-alarm rates.
        backend: with the calibration of the scores, where one could be fitted.
        min_dcf: the lowest normalised cost with unit costs, by target prior.
        scores: ``(trials,)``, as the backend gives them.
        embeddings: ``(utterances, dim)``.
    """

    calibration: Calibration
    backend: Backend
    min_dcf: dict[float, float]
    scores: npt.NDArray[np.float32]
    embeddings: npt.NDArray[np.float32]


class Validation:
    """A trial list among held-out speakers, drawn and decoded once, scored at will.

    Of several processes each decodes and embeds its share, and all score all trials.

    Args:
        utterances: of the held-out speakers.
        config: how many utterances of each speaker, how many nontarget trials, and the seed of their draw.

    Raises:
        AudioError: a held-out utterance cannot be decoded or holds no speech.
        DataError: the speakers give no target or no nontarget trial.

    Attributes:
        trials: the list.
        enrollment_speakers: ``(trials,)``, the speaker of each enrollment side, from 0.
        test_speakers: likewise of each test side.
        utterance_speakers: the name of the speaker of each utterance.
        held_out: ``speakers_hash`` of the held-out speakers.
    """

    def __init__(self, utterances: Sequence[Utterance], config: TrainConfig) -> None:
        self.held_out = speakers_hash(utterance.speaker for utterance in utterances)
        chosen = thin_speakers(utterances, config.validation.utterances, config.seed)
        self.trials = draw_trials(
            chosen, config.seed, config.validation.targets, config.validation.nontargets
        )
        place = {utterance.id: i for i, utterance in enumerate(chosen)}
        rows = np.array([place[id_] for id_ in self.trials.ids])
        self.first, self.second = rows[self.trials.first], rows[self.trials.second]
        self.utterance_speakers = [utterance.speaker for utterance in chosen]
        speaker_of = {utterance.id: utterance.speaker for utterance in chosen}
        self.enrollment_speakers, self.test_speakers, self.speakers = speaker_groups(self.trials, speaker_of)
        with ThreadPoolExecutor(cpu_count()) as pool:
            self.waveforms = list(pool.map(load_speech, own_share(chosen)))

    def run(self, embedder: Embedder) -> Validated:
        """Embed the held-out utterances, calibrate their scores, and find the equal error rate and its threshold.

        Raises:
            DivergedError: an embedding is not finite.
        """
        backend = Backend()
        embeddings = of_all(self._embed(embedder))
        sides = backend.sides(embeddings)
        scores = backend.score(sides, sides, self.first, self.second)
        with suppress(ValueError):  # of a model that has learnt nothing yet there is nothing to calibrate
            fitted = LinearCalibration.fit(scores, self.trials.targets)
            backend = replace(backend, calibration=fitted, fitted_on=FittedOn.of(self.trials, NAME))
            scores = np.asarray(fitted(scores), dtype=np.float32)
        targets = self.trials.targets
        calibration = Calibration.of(
            scores, targets, self.enrollment_speakers, self.test_speakers, self.held_out
        )
        curve = det_curve(scores, targets)
        costs = {p: min_dcf(curve, p) for p in P_TARGETS}
        return Validated(calibration, backend, costs, scores, embeddings)

    def _embed(self, embedder: Embedder) -> npt.NDArray[np.float32]:
        try:
            return embedder.embed(self.waveforms)
        except BundleError:  # which tells a user of a model to take another one
            raise DivergedError(
                "The embeddings of speakers held out of training are not finite numbers; begin anew with a lower "
                "optimizer.lr or a longer warm-up."
            ) from None
