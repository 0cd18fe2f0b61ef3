"""Enroll and verify: the facade that applications call."""

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from speakertrip.audio import AudioSource, Recording, SpeechNeeds, read_recording
from speakertrip.audio.detectors import make_detector
from speakertrip.audio.speech import require_speech_seconds
from speakertrip.backend import Decision, Sides, decide
from speakertrip.bundle import Bundle
from speakertrip.embedding import Embedder
from speakertrip.enrollment import (
    Crowd,
    EnrollMode,
    Identification,
    Profile,
    SpeakerStore,
    check_name,
    default_store,
)
from speakertrip.enrollment.agreement import warn_of_odd_ones
from speakertrip.enrollment.recordings import enrollment_of, new_rows, sha256_of
from speakertrip.errors import StoreError, UsageError
from speakertrip.manifests.lines import FilePath

FloatArray = npt.NDArray[np.float32]
Speech: TypeAlias = AudioSource | Recording  # a recording that is loaded already is not loaded again


class SpeakerVerifier:
    """A model and a store of speakers.

    There is no detection of replayed or synthetic speech.

    Args:
        bundle: the model and its threshold, as loaded from a directory.
        store: file of the store; None: the user's own. It is made at the first enrollment.
        device: "auto", "cpu", "cuda" or "mps".
        threads: CPU threads; None: one for less than half a minute of audio, all cores for more.
        needs: how much speech there must be, and what detects it.
        threshold: accept a score at or above it; None: that of the bundle.

    Raises:
        UsageError: the device or the detector is not available, the threshold is not a finite number, or the bundle
            was never loaded, so that it has no identity.

    Example:
        >>> verifier = SpeakerVerifier.from_pretrained("runs/demo/bundle")  # doctest: +SKIP
        >>> verifier.enroll("ada", ["ada-1.wav", "ada-2.wav"])  # doctest: +SKIP
        >>> verifier.verify("ada", "probe.wav").accepted  # doctest: +SKIP
        True
    """

    def __init__(
        self,
        bundle: Bundle,
        store: FilePath | None = None,
        device: str = "auto",
        threads: int | None = None,
        needs: SpeechNeeds | None = None,
        threshold: float | None = None,
    ) -> None:
        if threshold is not None and not math.isfinite(threshold):
            raise UsageError(f"A threshold is a finite number, not {threshold}.")
        if not bundle.identity:
            raise UsageError("This bundle has no identity to enroll speakers by; save it and load it again.")
        self.bundle = bundle
        self.store = SpeakerStore(store or default_store())
        self.embedder = Embedder(bundle.model, device, threads)
        self.needs = needs or SpeechNeeds()
        self._detector = make_detector(self.needs.detector)
        self._threshold = threshold

    @classmethod
    def from_pretrained(
        cls,
        id_or_path: FilePath,
        store: FilePath | None = None,
        device: str = "auto",
        threads: int | None = None,
        needs: SpeechNeeds | None = None,
        revision: str | None = None,
        token: str | None = None,
        threshold: float | None = None,
    ) -> "SpeakerVerifier":
        """Load a bundle directory or, where there is none of that name, a model ``ORG/NAME`` of the hub.

        Args:
            id_or_path: a folder, or a name on the hub.
            store: as of the class, like the next three.
            device: "auto", "cpu", "cuda" or "mps".
            threads: CPU threads.
            needs: how much speech there must be.
            revision: branch, tag or commit on the hub; None: its main branch. ``bundle.source`` keeps the commit.
            token: of the hub; None: the one that the user is logged in with, if any.
            threshold: accept a score at or above it; None: that of the bundle.

        Raises:
            BundleError: it is missing or damaged, or cannot be fetched.
            UsageError: the device or the detector is not available.
        """
        return cls(Bundle.load(id_or_path, revision, token), store, device, threads, needs, threshold)

    @property
    def threshold(self) -> float:
        """Accept a score at or above it.

        Raises:
            BundleError: none was given, and none is known of the model.
        """
        return self.bundle.threshold if self._threshold is None else self._threshold

    def load(self, files: Sequence[Speech]) -> list[Recording]:
        """Decode and measure recordings, each of one speaker.

        Raises:
            AudioError: a file is missing, cannot be decoded, is shorter than 0.4 s, or silent.

        Warns:
            SpeakertripWarning: one is heavily clipped, very noisy, or of a telephone.
        """

        def load(file: Speech) -> Recording:
            return file if isinstance(file, Recording) else read_recording(file, self._detector)

        with ThreadPoolExecutor() as pool:
            return list(pool.map(load, files))

    def enroll(
        self,
        name: str,
        files: Sequence[Speech],
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
            AudioError: a file is missing, cannot be decoded, or holds no speech; or all that the speaker would be
                enrolled from hold too little.
            StoreError: the name is enrolled and the mode is "new", or its utterances are of another model.
            UsageError: no file, or no usable name.
            StorageError: the store cannot be written.

        Warns:
            SpeakertripWarning: a recording is stored but sounds unlike the others of the speaker, by the threshold.
        """
        if not files:
            raise UsageError("Enrollment needs at least one audio file.")
        name = check_name(name)
        profile = self._profile(name) if mode == "add" and name in self.store.names() else None
        recordings = self.load(files)
        sums = [sha256_of(recording.source) for recording in recordings]
        rows = new_rows(sums, {e.sha256 for e in profile.enrollments} if profile else set())
        self._require([recordings[row] for row in rows], 0.0 if profile else self.needs.enrollment_seconds)
        embeddings = self.embedder.embed([recordings[row].waveform for row in rows])
        enrollments = [
            enrollment_of(recordings[row], sums[row], embedding)
            for row, embedding in zip(rows, embeddings, strict=True)
        ]
        if enrollments or profile is None:
            profile = self.store.add(name, self.bundle.identity, enrollments, mode)
            if self.bundle.calibration or self._threshold is not None:  # else nothing says what sounds unlike
                warn_of_odd_ones(profile, len(enrollments), self.bundle.backend, self.threshold)
        for row in sorted({*range(len(files))} - {*rows}):
            on_skip(recordings[row].source)
        return profile

    def verify(self, name: str, probe: Speech) -> Decision:
        """Decide whether a probe is an enrolled speaker.

        Raises:
            AudioError: the probe cannot be used.
            StoreError: the speaker is not enrolled, or was enrolled with another model.
        """
        return self.compare(self.enrolled(name), probe)

    def verify_against(self, references: Sequence[Speech], probe: Speech) -> Decision:
        """Decide whether a probe is the speaker of the reference files, without a store.

        Raises:
            AudioError: a file cannot be used.
        """
        return self.compare(self.embed_speaker(references), probe)

    def identify(self, probe: Speech, top: int = 3) -> Identification:
        """Say which of all enrolled speakers a probe is, if any; for many probes, ``crowd`` once is faster.

        The threshold is that of one comparison: among N speakers a stranger has N chances to be accepted as one.

        Args:
            probe: audio of one speaker.
            top: candidates to return.

        Raises:
            AudioError: the probe cannot be used.
            StoreError: nobody is enrolled with this model.
        """
        return self.crowd().search(self.embed_speaker([probe]), top)

    def crowd(self) -> Crowd:
        """Return all speakers that are enrolled with this model, at this moment.

        Raises:
            BundleError: no threshold was given, and none is known of the model.
            StoreError: there are none.
        """
        threshold = self.threshold
        return Crowd(self.store.profiles(), self.bundle.identity, self.bundle.backend, threshold)

    def enrolled(self, name: str) -> Sides:
        """Return what an enrolled speaker is compared by.

        Raises:
            StoreError: the speaker is not enrolled, or was enrolled with another model.
        """
        profile = self._profile(name)
        return self._side(profile.embeddings, [enrollment.seconds for enrollment in profile.enrollments])

    def embed_speaker(self, files: Sequence[Speech]) -> Sides:
        """Return what the speaker of one or more files is compared by.

        Raises:
            AudioError: a file cannot be used, or all together hold too little speech.
            UsageError: no file.
        """
        if not files:
            raise UsageError("A speaker is compared by at least one audio file.")
        recordings = self.load(files)
        self._require(recordings, self.needs.comparison_seconds)
        embeddings = self.embedder.embed([recording.waveform for recording in recordings])
        return self._side(embeddings, [recording.quality.seconds for recording in recordings])

    def compare(self, speaker: Sides, probe: Speech) -> Decision:
        """Score a probe against a speaker, and decide by the threshold.

        Args:
            speaker: of ``enrolled`` or ``embed_speaker``.
            probe: audio of one speaker.

        Raises:
            AudioError: the probe cannot be used, or holds too little speech.
            BundleError: no threshold was given, and none is known of the model.
        """
        threshold = self.threshold  # first: without one, no embedding is worth its time
        only = np.zeros(1, dtype=np.int64)
        score = self.bundle.backend.score(speaker, self.embed_speaker([probe]), only, only)[0]
        return decide(score, threshold, self.bundle.backend.calibration is not None)

    def _require(self, recordings: Sequence[Recording], seconds: float) -> None:
        names = [recording.name for recording in recordings]
        found = [recording.quality.speech_seconds for recording in recordings]
        require_speech_seconds(names, found, seconds, self.needs.detector)

    def _side(self, embeddings: FloatArray, seconds: list[float]) -> Sides:
        return self.bundle.backend.sides(embeddings, [list(range(len(embeddings)))], np.array(seconds))

    def _profile(self, name: str) -> Profile:
        profile = self.store.get(name)
        if profile.model != self.bundle.identity:
            raise StoreError(f"{name} was enrolled with another model; use that one, or enroll anew.")
        return profile
