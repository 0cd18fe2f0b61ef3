"""Calibration of a store: its own voices and recordings say what a score means, and where the threshold lies."""

from collections.abc import Sequence

import numpy as np
from pydantic import Field, ValidationError

from speakertrip.backend import Choice, DecisionRule, FalseAlarmRate, LinearCalibration, percent, resolve
from speakertrip.backend.storage import digest
from speakertrip.bundle import Bundle, Calibration
from speakertrip.config import Frozen
from speakertrip.enrollment import Profile, SpeakerStore
from speakertrip.enrollment.profiles.offsets import profile_offsets, without_offsets
from speakertrip.enrollment.profiles.own_trials import OwnTrials, score_own_trials
from speakertrip.errors import StoreError, UsageError, counted
from speakertrip.metrics import MIN_SPEAKERS


class StoreCalibration(Frozen):
    """Likelihood ratios of a store: ``weight * score + bias``, less the offset of a profile where it has one.

    Attributes:
        backend: digest of that which gave the scores; those of another mean something else.
        weight: of the bundle's score.
        bias: added.
        per_profile: whether profiles have offsets.
        calibration: the threshold and those at other rates, on trials among the enrolled speakers.
    """

    backend: str
    weight: float = Field(gt=0, lt=1e12)
    bias: float = Field(gt=-1e12, lt=1e12)
    per_profile: bool
    calibration: Calibration

    def rule(self, bundle: Bundle, choice: Choice | None) -> DecisionRule:
        """Return how a bundle decides by this calibration.

        Raises:
            UsageError: it cannot say the threshold of this choice.
        """
        table = self.calibration.false_alarms
        if table and isinstance(choice, FalseAlarmRate) and choice.rate < table.points[-1].rate:
            raise UsageError(
                f"The {table.nontargets:,} nontarget trials among the enrolled speakers say no threshold for a "
                f"false-alarm rate of {percent(choice.rate)}; ask for {percent(table.points[-1].rate)} or more, or "
                "enroll more speakers and calibrate anew: speakertrip speakers calibrate."
            )
        by = LinearCalibration(("score",), np.array([self.weight]), self.bias)
        backend = bundle.backend.recalibrated(by)
        threshold = resolve(choice, self.calibration.threshold, table, calibrated=True)
        return DecisionRule(backend, threshold, self.per_profile)


def read_calibration(store: SpeakerStore, bundle: Bundle) -> StoreCalibration | None:
    """Return the calibration of a store for a bundle; None where there is none, or it is of other scores.

    Raises:
        StoreError: it is damaged.
    """
    content = store.calibrations.read(bundle.identity)
    if content is None:
        return None
    try:
        found = StoreCalibration.model_validate_json(content)
    except ValidationError:
        raise StoreError(
            f"The calibration of {store.path} is damaged; make it anew by speakertrip speakers calibrate."
        ) from None
    return found if found.backend == digest(bundle.backend) else None


def calibrate_store(store: SpeakerStore, bundle: Bundle, per_profile: bool = False) -> StoreCalibration:
    """Fit scores to the enrolled speakers, and keep that in the store for all who use it with this model.

    Each utterance is compared with the others of its speaker and with the profiles of all others; a speaker of one
    utterance gives nontarget trials only. Utterances of one occasion sound more alike than those of two: where
    speakers were enrolled on one day, fewer misses are found than there will be.

    Args:
        store: of the speakers.
        bundle: that they were enrolled with.
        per_profile: take from the scores of each profile by how much strangers score higher against it than against
            others; see ``profile_offsets``.

    Raises:
        StoreError: fewer than 10 speakers have two utterances, or their scores are not higher than those of others.
        StorageError: the store cannot be written.
    """
    store.require()
    since = store.calibrations.now()  # those who change after this are not the ones that are compared
    profiles = [profile for profile in store.profiles() if profile.model == bundle.identity]
    _require_enough(store, profiles)
    trials = score_own_trials(profiles, bundle.backend)
    scores = without_offsets(trials, len(profiles)) if per_profile else trials.scores
    try:
        fitted = LinearCalibration.fit(scores, trials.targets)
    except ValueError as error:
        raise StoreError(f"{store.path} cannot be calibrated: {error}.") from None
    weight = float(fitted.weights[0])
    found = Calibration.of(
        np.asarray(fitted(scores), np.float32), trials.targets, trials.enrollments, trials.tests
    )
    calibration = StoreCalibration(
        backend=digest(bundle.backend),
        weight=weight,
        bias=fitted.bias,
        per_profile=per_profile,
        calibration=found,
    )
    offsets = _offsets(profiles, trials, weight) if per_profile else {}
    store.calibrations.write(bundle.identity, calibration.model_dump_json(), offsets, since)
    return calibration


def _offsets(profiles: Sequence[Profile], trials: OwnTrials, weight: float) -> dict[str, float]:
    found = weight * profile_offsets(trials, len(profiles))
    return {profile.identifier: float(offset) for profile, offset in zip(profiles, found, strict=True)}


def _require_enough(store: SpeakerStore, profiles: Sequence[Profile]) -> None:
    several = sum(len(profile.enrollments) > 1 for profile in profiles)
    if several < MIN_SPEAKERS:
        raise StoreError(
            f"A calibration needs at least {MIN_SPEAKERS} speakers of two utterances or more that are enrolled with "
            f"this model; {store.path} has {several} of {counted(len(profiles), 'speaker')}."
        )
