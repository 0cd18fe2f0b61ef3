"""The error rate on speakers held out of training, and the threshold that belongs to it."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from os import cpu_count

import numpy as np

from speakertrip.backend import Backend, FittedOn, LinearCalibration
from speakertrip.bundle import Calibration
from speakertrip.config import TrainConfig
from speakertrip.corpora import draw_trials, thin_speakers
from speakertrip.embedding import Embedder, load_speech
from speakertrip.manifests import Utterance
from speakertrip.metrics import det_curve, eer_interval, equal_error_rate, speaker_groups, threshold_at_eer
from speakertrip.training.processes import of_all, own_share

NAME = "speakers held out of training"


class Validation:
    """A trial list among held-out speakers, drawn and decoded once, scored at will.

    Of several processes each decodes and embeds its share, and all score all trials.

    Args:
        utterances: of the held-out speakers.
        config: how many utterances of each speaker, how many nontarget trials, and the seed of their draw.

    Raises:
        AudioError: a held-out utterance cannot be decoded or holds no speech.
        DataError: the speakers give no target or no nontarget trial.
    """

    def __init__(self, utterances: Sequence[Utterance], config: TrainConfig) -> None:
        chosen = thin_speakers(utterances, config.validation.utterances, config.seed)
        self.trials = draw_trials(
            chosen, config.seed, config.validation.targets, config.validation.nontargets
        )
        place = {utterance.id: i for i, utterance in enumerate(chosen)}
        rows = np.array([place[id_] for id_ in self.trials.ids])
        self.first, self.second = rows[self.trials.first], rows[self.trials.second]
        speaker_of = {utterance.id: utterance.speaker for utterance in chosen}
        self.enrollment_speakers, self.test_speakers, self.speakers = speaker_groups(self.trials, speaker_of)
        with ThreadPoolExecutor(cpu_count()) as pool:
            self.waveforms = list(pool.map(load_speech, own_share(chosen)))

    def run(self, embedder: Embedder) -> tuple[Calibration, Backend]:
        """Embed the held-out utterances, calibrate their scores, and find the equal error rate and its threshold."""
        backend = Backend()
        sides = backend.sides(of_all(embedder.embed(self.waveforms)))
        scores = backend.score(sides, sides, self.first, self.second)
        with suppress(ValueError):  # of a model that has learnt nothing yet there is nothing to calibrate
            fitted = LinearCalibration.fit(scores, self.trials.targets)
            backend = replace(backend, calibration=fitted, fitted_on=FittedOn.of(self.trials, NAME))
            scores = np.asarray(fitted(scores), dtype=np.float32)
        curve = det_curve(scores, self.trials.targets)
        calibration = Calibration(
            threshold=threshold_at_eer(curve),
            eer=equal_error_rate(curve),
            eer_interval=eer_interval(
                scores, self.trials.targets, self.enrollment_speakers, self.test_speakers
            ),
            trials=len(self.trials),
            targets=int(self.trials.targets.sum()),
            speakers=self.speakers,
        )
        return calibration, backend
