"""Audio to embeddings, batched by length."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from threading import Lock

import numpy as np
import numpy.typing as npt
import torch

from speakertrip.audio import SAMPLE_RATE, load_utterance, require_speech
from speakertrip.audio.digital_silence import without_digital_silence
from speakertrip.audio.windows import LONGEST, find_windows
from speakertrip.bundle import SpeakerModel
from speakertrip.errors import AudioError, BundleError, UsageError
from speakertrip.manifests import Utterance

FloatArray = npt.NDArray[np.float32]
CHUNK = 64  # utterances decoded at a time
BATCH_SAMPLES = SAMPLE_RATE * 120  # at most two minutes of audio in a batch, to bound memory
ONE_THREAD_SAMPLES = SAMPLE_RATE * 30  # below this one CPU thread does the work


class Embedder:
    """Embeds waveforms and utterances with one model on one device.

    Any number of Python threads may share one: the model is only read.

    Only waveforms of equal length share a batch: padding would reach an encoder through its convolutions and
    its statistics, and an utterance's embedding must not depend on its neighbours.

    Digital silence is left out, and other silence at the ends, but for 0.75 s. What is longer than 30 s, or mostly
    pauses, is embedded in windows of 4 s: the mean of their raw embeddings, weighted by how much speech each holds. See
    ``speakertrip.audio.digital_silence`` and ``windows``.

    Args:
        model: front end and encoder, of a bundle or in training; it is moved to the device and, at each use, put
            into evaluation mode.
        device: "auto" (a GPU where there is one), "cpu", "cuda" or "mps".
        threads: CPU threads; None: one for less than half a minute of audio, in a call or in a recording that is
            embedded in windows, else as torch is set. One, because two threads that wait for each other on a busy
            machine were measured over 25 times slower.

    Raises:
        UsageError: the device is not available here, or threads is not positive.
    """

    def __init__(self, model: SpeakerModel, device: str = "auto", threads: int | None = None) -> None:
        if threads is not None and threads < 1:
            raise UsageError(f"threads must be at least 1, not {threads}.")
        self.device = pick_device(device)
        self.threads = threads
        self.model = model.to(self.device)

    def embed(self, waveforms: Iterable[FloatArray]) -> FloatArray:
        """Embed waveforms of any lengths.

        Args:
            waveforms: each ``(samples,)`` at 16 kHz, at least 0.1 s; of an iterator, long ones are not kept.

        Returns:
            float32 ``(waveforms, embedding_dim)``, raw: not of unit length.

        Raises:
            BundleError: an embedding is not finite: compared with anything, it would read as "rejected".
        """
        short: dict[int, FloatArray] = {}
        long: dict[int, FloatArray] = {}
        samples = row = 0
        for row, waveform in enumerate(waveforms, start=1):
            audible = without_digital_silence(waveform)
            samples += len(audible)
            windows = find_windows(audible)
            pieces = windows.of(audible)
            if len(pieces) > 1:
                found = self.embed_whole(pieces, self._threads_for(len(audible)))
                long[row - 1] = windows.shares.astype(np.float32) @ found
            else:  # of a long recording, a copy: a view would keep it all
                short[row - 1] = pieces[0].copy() if len(audible) > LONGEST else pieces[0]
        embeddings = np.empty((row, self.model.embedding_dim), dtype=np.float32)
        embeddings[list(short)] = self.embed_whole(list(short.values()), self._threads_for(samples))
        for row, embedding in long.items():
            embeddings[row] = embedding
        return embeddings

    def embed_whole(self, waveforms: Sequence[FloatArray], threads: int | None) -> FloatArray:
        """Embed each waveform as one, silence and all, in batches of equal length; else as ``embed``."""
        self.model.eval()
        embeddings = np.empty((len(waveforms), self.model.embedding_dim), dtype=np.float32)
        with _threads(threads), torch.inference_mode():
            for rows in _equal_lengths(waveforms):
                batch = torch.from_numpy(np.stack([waveforms[row] for row in rows]))
                embeddings[rows] = self.model(batch.to(self.device)).cpu().numpy()
        if not np.isfinite(embeddings).all():
            raise BundleError("The model gives embeddings that are not finite numbers; use another one.")
        return embeddings

    def embed_utterances(
        self, utterances: Sequence[Utterance], progress: Callable[[int], None] = lambda done: None
    ) -> FloatArray:
        """Load and embed utterances.

        Args:
            utterances: rows of a manifest.
            progress: called with the number of utterances done since the last call.

        Returns:
            float32 ``(len(utterances), embedding_dim)``, raw.

        Raises:
            AudioError: audio is missing, cannot be decoded, or holds no speech; the message names it.
        """
        embeddings = np.empty((len(utterances), self.model.embedding_dim), dtype=np.float32)
        for begin in range(0, len(utterances), CHUNK):
            chunk = utterances[begin : begin + CHUNK]
            embeddings[begin : begin + CHUNK] = self.embed(map(load_speech, chunk))
            progress(len(chunk))
        return embeddings

    def _threads_for(self, samples: int) -> int | None:
        return self.threads or (1 if samples < ONE_THREAD_SAMPLES else None)


def load_speech(utterance: Utterance) -> FloatArray:
    """Load an utterance, ``(samples,)`` at 16 kHz, and refuse it if it holds no speech.

    Raises:
        AudioError: see ``speakertrip.audio``.
    """
    try:
        waveform = load_utterance(utterance)
        require_speech(waveform, utterance.path)
    except AudioError as error:
        raise AudioError(f"Utterance {utterance.id}: {error}") from None
    return waveform


def pick_device(name: str) -> torch.device:
    """Return a torch device by the name of the command line.

    Raises:
        UsageError: it is unknown or not available here.
    """
    available = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        name = next(device for device in ("cuda", "mps", "cpu") if available[device])
    if not available.get(name):
        usable = ", ".join(device for device, there in available.items() if there)
        raise UsageError(f"The device {name!r} is not available here; use one of: {usable}.")
    return torch.device(name)


def _equal_lengths(waveforms: Sequence[FloatArray]) -> Iterator[list[int]]:
    """Yield rows of equal length, no more than fit a batch."""
    order = sorted(range(len(waveforms)), key=lambda row: len(waveforms[row]))
    for size, group in groupby(order, key=lambda row: len(waveforms[row])):
        rows = list(group)
        most = max(1, BATCH_SAMPLES // size)
        for begin in range(0, len(rows), most):
            yield rows[begin : begin + most]


class _Threads:
    """How many threads torch works with, set for a call.

    The number belongs to the whole process: calls that overlap would otherwise take that of another one for the
    application's, and leave it behind.
    """

    def __init__(self) -> None:
        self._lock, self._calls, self._before = Lock(), 0, 1

    @contextmanager
    def __call__(self, count: int | None) -> Iterator[None]:
        """Set the number; None: as it was before the first of the calls that are under way."""
        with self._lock:
            if not self._calls:
                self._before = torch.get_num_threads()
            self._calls += 1
            before = self._before
        torch.set_num_threads(count or before)
        try:
            yield
        finally:
            torch.set_num_threads(before)  # in every thread: OpenMP keeps the number of each
            with self._lock:
                self._calls -= 1


_threads = _Threads()
