"""Enroll and verify: the facade that applications call."""

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt

from speakertrip.audio import SAMPLE_RATE, load_waveform, require_speech
from speakertrip.backend import Decision, decide, mean_of_units, pair_scores
from speakertrip.bundle import Bundle
from speakertrip.embedding import Embedder
from speakertrip.enrollment import Enrollment, EnrollMode, Profile, SpeakerStore, check_name, default_store
from speakertrip.errors import StoreError, UsageError
from speakertrip.manifests.lines import FilePath

FloatArray = npt.NDArray[np.float32]


class SpeakerVerifier:
    """A model and a store of speakers.

    There is no detection of replayed or synthetic speech.

    Args:
        bundle: the model and its threshold, as loaded from a directory.
        store: file of the store; None: the user's own. It is made at the first enrollment.
        device: "auto", "cpu", "cuda" or "mps".
        threads: CPU threads; None: one for less than half a minute of audio, all cores for more.

    Raises:
        UsageError: the device is not available, or the bundle was never loaded, so that it has no identity.

    Example:
        >>> verifier = SpeakerVerifier.from_pretrained("runs/demo/bundle")  # doctest: +SKIP
        >>> verifier.enroll("ada", ["ada-1.wav", "ada-2.wav"])  # doctest: +SKIP
        >>> verifier.verify("ada", "probe.wav").accepted  # doctest: +SKIP
        True
    """

    def __init__(
        self, bundle: Bundle, store: FilePath | None = None, device: str = "auto", threads: int | None = None
    ) -> None:
        if not bundle.identity:
            raise UsageError("This bundle has no identity to enroll speakers by; save it and load it again.")
        self.bundle = bundle
        self.store = SpeakerStore(store or default_store())
        self.embedder = Embedder(bundle.model, device, threads)

    @classmethod
    def from_pretrained(
        cls, path: FilePath, store: FilePath | None = None, device: str = "auto", threads: int | None = None
    ) -> "SpeakerVerifier":
        """Load a bundle directory.

        Raises:
            BundleError: it is missing or damaged.
            UsageError: the device is not available.
        """
        return cls(Bundle.load(path), store, device, threads)

    def enroll(self, name: str, files: Sequence[FilePath], mode: EnrollMode = "new") -> Profile:
        """Enroll a speaker from one or more files; nothing is stored unless all of them can be used.

        Args:
            name: who.
            files: audio of that speaker alone.
            mode: "new" refuses a name that is enrolled; "add" adds to it; "replace" forgets it first.

        Returns:
            The speaker's profile as it now is.

        Raises:
            AudioError: a file is missing, cannot be decoded, or holds no speech.
            StoreError: the name is enrolled and the mode is "new", or its utterances are of another model.
            UsageError: no file, or no usable name.
            StorageError: the store cannot be written.
        """
        if not files:
            raise UsageError("Enrollment needs at least one audio file.")
        name = check_name(name)
        waveforms = _load(files)
        embeddings = self.embedder.embed(waveforms)
        enrollments = [
            Enrollment(embedding, str(Path(file).absolute()), _sha256(file), len(waveform) / SAMPLE_RATE)
            for file, waveform, embedding in zip(files, waveforms, embeddings, strict=True)
        ]
        return self.store.add(name, self.bundle.identity, enrollments, mode)

    def verify(self, name: str, probe: FilePath) -> Decision:
        """Decide whether a probe is an enrolled speaker.

        Raises:
            AudioError: the probe cannot be used.
            StoreError: the speaker is not enrolled, or was enrolled with another model.
        """
        return self.compare(self.enrolled(name), probe)

    def verify_against(self, references: Sequence[FilePath], probe: FilePath) -> Decision:
        """Decide whether a probe is the speaker of the reference files, without a store.

        Raises:
            AudioError: a file cannot be used.
        """
        return self.compare(self.embed_speaker(references), probe)

    def enrolled(self, name: str) -> FloatArray:
        """Return what an enrolled speaker is compared by: the mean of the unit embeddings, ``(dim,)``.

        Raises:
            StoreError: the speaker is not enrolled, or was enrolled with another model.
        """
        profile = self.store.get(name)
        if profile.model != self.bundle.identity:
            raise StoreError(
                f"{name} was enrolled with another model; verify with that one, or enroll again."
            )
        return mean_of_units(profile.embeddings)

    def embed_speaker(self, files: Sequence[FilePath]) -> FloatArray:
        """Return the mean of the unit embeddings of one or more files of a speaker, ``(dim,)``.

        Raises:
            AudioError: a file cannot be used.
            UsageError: no file.
        """
        if not files:
            raise UsageError("A speaker is compared by at least one audio file.")
        return mean_of_units(self.embedder.embed(_load(files)))

    def compare(self, speaker: FloatArray, probe: FilePath) -> Decision:
        """Score a probe against a speaker, ``(dim,)``, and decide by the bundle's threshold.

        Raises:
            AudioError: the probe cannot be used.
        """
        only = np.zeros(1, dtype=np.int64)
        score = pair_scores(speaker[None], self.embed_speaker([probe])[None], only, only)[0]
        return decide(score, self.bundle.calibration.threshold)


def _load(files: Sequence[FilePath]) -> list[FloatArray]:
    def load(file: FilePath) -> FloatArray:
        waveform = load_waveform(file)
        require_speech(waveform, file)
        return waveform

    with ThreadPoolExecutor() as pool:
        return list(pool.map(load, files))


def _sha256(file: FilePath) -> str:
    return hashlib.sha256(Path(file).read_bytes()).hexdigest()
