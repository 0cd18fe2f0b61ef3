"""Enroll and verify: the facade that applications call."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np

from speakertrip.audio import AudioSource, SpeechNeeds
from speakertrip.backend import Choice, Decision, DecisionRule
from speakertrip.bundle import Bundle
from speakertrip.enrollment import (
    Crowd,
    EnrollMode,
    Identification,
    Profile,
    Scoring,
    SearchOptions,
    SpeakerStore,
    default_store,
)
from speakertrip.enrollment.profiles.agreement import warn_of_odd_ones
from speakertrip.enrollment.profiles.origin import Origin
from speakertrip.enrollment.profiles.recordings import enrollment_of, new_rows, sha256_of
from speakertrip.errors import StoreError, UsageError
from speakertrip.manifests import Utterance
from speakertrip.manifests.lines import FilePath
from speakertrip.verifier.calibrating import read_calibration
from speakertrip.verifier.claim import Claim
from speakertrip.verifier.given import Speech, listed, named
from speakertrip.verifier.listener import Listener


class SpeakerVerifier(Listener):
    """A model and a store of speakers.

    There is no detection of replayed or synthetic speech. Any number of threads may share one; a call for less than
    half a minute of audio computes on one core, so that as many calls as there are cores run side by side.

    Where the store's audit log is on (``SpeakerStore.audit``), it keeps each decision about an enrolled speaker; what
    it cannot keep is refused by a StorageError, not decided.

    Args:
        bundle: the model and its threshold, as loaded from a directory.
        store: the store, or its file; None: the user's own. It is made at the first enrollment. An encrypted one is
            ``SpeakerStore(path, key=...)``.
        device: "auto", "cpu", "cuda" or "mps".
        threads: CPU threads; None: one for less than half a minute of audio, all cores for more.
        needs: how much speech there must be, and what detects it.
        operating_point: what is decided by: a ``FalseAlarmRate``, an ``OperatingPoint``: a prior and costs, or a
            ``GivenThreshold``; None: the bundle's own, at the equal error rate of the trials that it was found on.

    Raises:
        UsageError: the device or the detector is not available, the bundle was never loaded, so that it has no
            identity, or neither it nor the store's calibration can say the threshold of the operating point.

    Example:
        >>> verifier = SpeakerVerifier.from_pretrained()  # doctest: +SKIP
        >>> verifier.enroll("ada", ["ada-1.wav", "ada-2.wav"])  # doctest: +SKIP
        >>> verifier.verify("ada", "probe.wav").accepted  # doctest: +SKIP
        True
    """

    def __init__(
        self,
        bundle: Bundle,
        store: FilePath | SpeakerStore | None = None,
        device: str = "auto",
        threads: int | None = None,
        needs: SpeechNeeds | None = None,
        operating_point: Choice | None = None,
    ) -> None:
        if not bundle.identity:
            raise UsageError("This bundle has no identity to enroll speakers by; save it and load it again.")
        super().__init__(bundle, device, threads, needs)
        self.operating_point = operating_point
        self.store = store if isinstance(store, SpeakerStore) else SpeakerStore(store or default_store())
        self._require_threshold()

    @classmethod
    def from_pretrained(
        cls,
        id_or_path: FilePath | None = None,
        store: FilePath | SpeakerStore | None = None,
        device: str = "auto",
        threads: int | None = None,
        needs: SpeechNeeds | None = None,
        operating_point: Choice | None = None,
        revision: str | None = None,
        token: str | None = None,
    ) -> "SpeakerVerifier":
        """Load a bundle directory or, where there is none of that name, a model ``ORG/NAME`` of the hub.

        Args:
            id_or_path: a folder, or a name on the hub; None: the model that ships with speakertrip, whatever
                ``SPEAKERTRIP_MODEL`` says, which is for the command line.
            store: as of the class, like the next four.
            device: "auto", "cpu", "cuda" or "mps".
            threads: CPU threads.
            needs: how much speech there must be.
            operating_point: what is decided by.
            revision: branch, tag or commit on the hub; None: its main branch. ``bundle.source`` keeps the commit.
            token: of the hub; None: the one that the user is logged in with, if any.

        Raises:
            BundleError: it is missing or damaged, or cannot be fetched.
            UsageError: the device or the detector is not available, or neither the bundle nor the store's calibration
                can say the threshold of the operating point.
        """
        return cls(Bundle.load(id_or_path, revision, token), store, device, threads, needs, operating_point)

    @cached_property
    def rule(self) -> DecisionRule:
        """How scores are made and decided on, where the store has no calibration of its own.

        Raises:
            BundleError: no operating point was chosen, and none is known of the model.
            UsageError: the bundle cannot say the threshold of the operating point.
        """
        return DecisionRule(self.bundle.backend, self.bundle.threshold(self.operating_point))

    def enroll(
        self,
        name: str,
        files: Speech | Sequence[Speech],
        mode: EnrollMode = "new",
        on_skip: Callable[[AudioSource], None] = lambda file: None,
    ) -> Profile:
        """Enroll a speaker from one or more files; nothing is stored unless all of them can be used.

        A file counts once: what is given twice, or added again, is skipped.

        Args:
            name: who.
            files: audio of that speaker alone.
            mode: "new" refuses a name that is enrolled; "add" adds to it; "replace" forgets it first.
            on_skip: called with each file that is skipped, once everything is stored.

        Returns:
            The speaker's profile as it now is; if nothing was left to add, as it was.

        Raises:
            AudioError: a file is missing, cannot be decoded, holds no speech, or is of poor quality, unless
                ``SpeechNeeds.accept_poor``; or all that the speaker would be enrolled from hold too little.
            StoreError: the name is enrolled and the mode is "new", or its utterances are of another model.
            UsageError: no file, no usable name, or what is given is no recording.
            StorageError: the store cannot be written.

        Warns:
            SpeakertripWarning: a recording is stored but sounds unlike the others of the speaker, by the bundle's
                own threshold.
        """
        files = listed(files)
        if not files:
            raise UsageError("Enrollment needs at least one audio file.")
        name = named(name)
        profile = self.profile(name) if mode == "add" and self.store.find(name) else None
        recordings = self.load(files)
        # A stretch of a file is kept as that, so that two of them are two, and re-enroll finds it again.
        origins = [Origin.of(file) if isinstance(file, Utterance) else None for file in files]
        sums = [
            origin.sha256() if origin else sha256_of(recording.source)
            for origin, recording in zip(origins, recordings, strict=True)
        ]
        rows = new_rows(sums, {e.sha256 for e in profile.enrollments} if profile else set())
        self.require_to_enroll(
            [recordings[row] for row in rows], 0.0 if profile else self.needs.enrollment_seconds
        )
        embeddings = self.embedder.embed([recordings[row].waveform for row in rows])
        enrollments = []
        for row, embedding in zip(rows, embeddings, strict=True):
            file, made = files[row], enrollment_of(recordings[row], sums[row], embedding, origins[row])
            if isinstance(file, Utterance) and file.duration:
                # The length that a manifest states is the one that scores of a trial list are calibrated by.
                made = replace(made, seconds=file.duration)
            enrollments.append(made)
        if enrollments or profile is None:
            profile = self.store.add(name, self.bundle.identity, enrollments, mode)
            self.warn_of_odd_ones(profile, len(enrollments))
        for row in sorted({*range(len(files))} - {*rows}):
            on_skip(recordings[row].source)
        return profile

    def verify(self, name: str, probe: Speech, scoring: Scoring = "mean") -> Decision:
        """Decide whether a probe is an enrolled speaker.

        Args:
            name: who.
            probe: audio of one speaker.
            scoring: by the "mean" of the speaker's utterances, or by the "best" of them.

        Raises:
            AudioError: the probe cannot be used.
            StoreError: the speaker is not enrolled, or was enrolled with another model.
            StorageError: the store's audit log is on, and the store cannot be written.
            UsageError: the name is none, or the probe no recording.
        """
        return self.compare(self.enrolled(name, scoring), probe)

    def verify_against(self, references: Speech | Sequence[Speech], probe: Speech) -> Decision:
        """Decide whether a probe is the speaker of one or more reference files, without a store or its audit log.

        Raises:
            AudioError: a file cannot be used.
            UsageError: no file, or what is given is no recording.
        """
        return self.compare(self.reference(references), probe)

    def identify(self, probe: Speech, top: int = 3, options: SearchOptions | None = None) -> Identification:
        """Say which of all enrolled speakers a probe is, if any; for many probes, ``crowd`` once is faster.

        The threshold is that of one comparison: among N speakers a stranger has N chances to be accepted as one; see
        ``metrics.any_false_alarm``.

        Args:
            probe: audio of one speaker.
            top: candidates to return.
            options: how the store is searched.

        Raises:
            AudioError: the probe cannot be used.
            StoreError: nobody is enrolled with this model.
            StorageError: the store's audit log is on, and the store cannot be written.
        """
        return self.search(self.crowd(options), probe, top)

    def search(self, crowd: Crowd, probe: Speech, top: int = 3) -> Identification:
        """Say which of the speakers of ``crowd`` a probe is; see ``identify``.

        Raises:
            AudioError: the probe cannot be used.
            StorageError: the store's audit log is on, and the store cannot be written.
        """
        found = crowd.search(self.embed_speaker([probe]), top)
        if self.store.audit.is_on():
            profile = self.store.identifier(found.name) if found.name else None
            decision = found.candidates[0].decision
            self.store.audit.decided("identify", profile, self.bundle.identity, decision)
        return found

    def crowd(self, options: SearchOptions | None = None) -> Crowd:
        """Return all speakers that are enrolled with this model, to be searched.

        Args:
            options: how; None: by the mean of each speaker's utterances.

        Raises:
            StoreError: there are none.
        """
        scoring = options.scoring if options else "mean"
        return Crowd(self.store, self.bundle.identity, self.store_rule(scoring), options)

    def enrolled(self, name: str, scoring: Scoring = "mean") -> Claim:
        """Return an enrolled speaker, to compare probes with.

        Args:
            name: who.
            scoring: by the "mean" of the speaker's utterances, or by the "best" of them.

        Raises:
            StoreError: the speaker is not enrolled, or was enrolled with another model.
        """
        profile = self.profile(name)
        seconds = [enrollment.seconds for enrollment in profile.enrollments]
        sides, rule = self.sides(profile.embeddings, seconds, scoring), self.store_rule(scoring)
        if rule.per_profile:
            sides = replace(sides, offsets=np.full(len(sides.counts), profile.score_offset))
        # Of an old store only the length of a recording is known.
        speech = [
            each.seconds if each.speech_seconds is None else each.speech_seconds
            for each in profile.enrollments
        ]
        return Claim(sides, rule, max(speech), profile.identifier)

    def reference(self, files: Speech | Sequence[Speech], scoring: Scoring = "mean") -> Claim:
        """Return the speaker of one or more files, to compare probes with.

        Raises:
            AudioError: a file cannot be used, or all together hold too little speech.
            UsageError: no file.
        """
        rule = self.rule if scoring == "mean" else self.rule.of_best()
        recordings = self.load(files)
        speaker = self.embed_speaker(recordings, scoring)
        return Claim(speaker, rule, max(recording.quality.speech_seconds for recording in recordings))

    def store_rule(self, scoring: Scoring = "mean") -> DecisionRule:
        """Return how enrolled speakers are decided on: as the store was calibrated last, else as the bundle says.

        Args:
            scoring: by the "mean" of a speaker's utterances, whose errors are known, or by the "best" of them.

        Raises:
            StoreError: the store's calibration is damaged.
            UsageError: it cannot say the threshold of the operating point.
        """
        found = read_calibration(self.store, self.bundle)
        rule = self.rule if found is None else found.rule(self.bundle, self.operating_point)
        return rule if scoring == "mean" else rule.of_best()

    def compare(self, claim: Claim, probe: Speech) -> Decision:
        """Score a probe against a speaker, and decide by the threshold of the operating point.

        Args:
            claim: of ``reference``, or of ``enrolled``: then the audit log keeps the decision.
            probe: audio of one speaker.

        Raises:
            AudioError: the probe cannot be used, or holds too little speech.
            StorageError: the audit log is to keep the decision, and the store cannot be written.
        """
        decision = claim.decide(self.embed_speaker([probe]))
        if claim.identifier is not None:
            self.store.audit.decided("verify", claim.identifier, self.bundle.identity, decision)
        return decision

    def warn_of_odd_ones(self, profile: Profile, new: int) -> None:
        """Name each of the last ``new`` utterances of a profile that sounds unlike its others, by the bundle itself.

        Warns:
            SpeakertripWarning: for each of them; of a model of which no threshold is known, never.
        """
        if self.bundle.calibration is not None:
            warn_of_odd_ones(profile, new, self.bundle.backend, self.bundle.calibration.threshold)

    def _require_threshold(self) -> None:
        """Say now, before any audio is read, if neither the bundle nor the store can say the threshold."""
        if self.operating_point is None:
            return
        try:
            self.bundle.threshold(self.operating_point)
        except UsageError:
            if read_calibration(self.store, self.bundle) is None:
                raise
            self.store_rule()

    def profile(self, name: str) -> Profile:
        """Return the profile of a speaker, who can be compared by this model.

        Raises:
            StoreError: the speaker is not enrolled, or was enrolled with another model.
            UsageError: the name is none.
        """
        profile = self.store.get(named(name))
        if profile.model != self.bundle.identity:
            raise StoreError(
                f"{name} was enrolled with another model; use that one, or embed its files by this one: "
                f"speakertrip speakers re-enroll."
            )
        return profile
