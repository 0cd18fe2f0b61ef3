"""What a model makes of recordings: decoded, measured, refused where there is too little speech, and embedded."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from speakertrip.audio import Recording, SpeechNeeds, read_recording, record_utterance
from speakertrip.audio.detectors import make_detector
from speakertrip.audio.recording import spoilt
from speakertrip.audio.speech import require_speech_seconds
from speakertrip.backend import Sides
from speakertrip.bundle import Bundle
from speakertrip.embedding import Embedder
from speakertrip.enrollment import Scoring
from speakertrip.errors import AudioError, UsageError
from speakertrip.manifests import Utterance
from speakertrip.verifier.given import Speech, listed

FloatArray = npt.NDArray[np.float32]


class Listener:
    """A model that listens to recordings; it knows nobody.

    Args:
        bundle: the model.
        device: "auto", "cpu", "cuda" or "mps".
        threads: CPU threads; None: one for less than half a minute of audio, all cores for more.
        needs: how much speech there must be, and what detects it.

    Raises:
        UsageError: the device or the detector is not available.
    """

    def __init__(
        self,
        bundle: Bundle,
        device: str = "auto",
        threads: int | None = None,
        needs: SpeechNeeds | None = None,
    ) -> None:
        self.bundle = bundle
        self.embedder = Embedder(bundle.model, device, threads)
        self.needs = needs or SpeechNeeds()
        self._detector = make_detector(self.needs.detector)

    def load(self, files: Speech | Sequence[Speech]) -> list[Recording]:
        """Decode and measure recordings, one or several, each of one speaker.

        Raises:
            AudioError: a file is missing, cannot be decoded, is shorter than 0.4 s, or silent.
            UsageError: what is given is no recording.

        Warns:
            SpeakertripWarning: one is heavily clipped, very noisy, or of a telephone.
        """
        with ThreadPoolExecutor() as pool:
            return list(pool.map(self.load_one, listed(files)))

    def load_one(self, file: Speech) -> Recording:
        """Decode and measure one recording, in this thread; else as ``load``."""
        (file,) = listed([file])
        if isinstance(file, Utterance):
            return record_utterance(file, self._detector)
        return file if isinstance(file, Recording) else read_recording(file, self._detector)

    def embed_speaker(self, files: Speech | Sequence[Speech], scoring: Scoring = "mean") -> Sides:
        """Return what the speaker of one or more files is compared by: one side, or with "best" one for each file.

        Raises:
            AudioError: a file cannot be used, or all together hold too little speech.
            UsageError: no file, or what is given is no recording.
        """
        files = listed(files)
        if not files:
            raise UsageError("A speaker is compared by at least one audio file.")
        recordings = self.load(files)
        self.require_enough(recordings, self.needs.comparison_seconds)
        embeddings = self.embedder.embed([recording.waveform for recording in recordings])
        return self.sides(embeddings, [recording.quality.seconds for recording in recordings], scoring)

    def embed(self, recording: Speech) -> FloatArray:
        """Return the embedding of one recording, float32 ``(dim,)``, raw: not of unit length.

        Raises:
            AudioError: it cannot be used, or holds too little speech.
        """
        loaded = self.load_one(recording)
        self.require_enough([loaded], self.needs.comparison_seconds)
        embedding: FloatArray = self.embedder.embed([loaded.waveform])[0]
        return embedding

    def require_enough(self, recordings: Sequence[Recording], seconds: float) -> None:
        """Check that recordings hold so much speech in all, and each of them some.

        Raises:
            AudioError: they do not.
        """
        names = [recording.name for recording in recordings]
        found = [recording.quality.speech_seconds for recording in recordings]
        require_speech_seconds(names, found, seconds, self.needs.detector)

    def require_to_enroll(self, recordings: Sequence[Recording], seconds: float) -> None:
        """Check that a speaker may be enrolled from recordings: that they hold so much speech, and none is too poor.

        Raises:
            AudioError: they do not, or one is.
        """
        self.require_enough(recordings, seconds)
        for recording in recordings:
            if not self.needs.accept_poor and (trouble := spoilt(recording.quality)):
                raise AudioError(
                    f"{recording.name} {trouble}, which would spoil every comparison with the speaker; enroll from a "
                    "better recording, or take it all the same by --accept-poor."
                )

    def sides(self, embeddings: FloatArray, seconds: list[float], scoring: Scoring = "mean") -> Sides:
        """Return the sides of a speaker by raw embeddings ``(utterances, dim)`` and the length of each utterance."""
        groups = [list(range(len(embeddings)))] if scoring == "mean" else None
        return self.bundle.backend.sides(embeddings, groups, np.array(seconds))
