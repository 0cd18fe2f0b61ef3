"""Whether an ONNX file gives the embeddings of the model that it was made of."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from speakertrip.audio import SAMPLE_RATE
from speakertrip.bundle import SpeakerModel
from speakertrip.embedding import Embedder
from speakertrip.encoders.onnx import EXPORTED_INPUT, EXPORTED_OUTPUT, open_session

SECONDS, BATCHES = (0.5, 3.0, 10.0), (1, 3)
LEAST_COSINE = 0.9999
MOST_DIFFERENCE = 1e-3
TINY = 1e-30  # in place of the length of an embedding of zeros
FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Agreement:
    """How alike embeddings of two runtimes are.

    Attributes:
        cosine: the lowest of a pair.
        difference: the greatest of a number, as a share of the greatest number of its embedding.
    """

    cosine: float
    difference: float

    @classmethod
    def of(cls, found: FloatArray, expected: FloatArray) -> "Agreement":
        """Compare embeddings, ``(n, dim)`` each.

        >>> Agreement.of(np.array([[3, 4]], np.float32), np.array([[3, 0]], np.float32)).cosine
        0.6
        """
        one, other = found.astype(np.float64), expected.astype(np.float64)
        lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
        cosines = (one * other).sum(axis=1) / np.maximum(lengths, TINY)
        shares = np.abs(one - other).max(axis=1) / np.maximum(np.abs(other).max(axis=1), TINY)
        return cls(float(cosines.min()), float(shares.max()))


def check(content: bytes, model: SpeakerModel) -> Agreement:
    """Run an ONNX file beside its model on noise of several lengths, alone and in batches.

    Args:
        content: of the file.
        model: what it was made of.

    Returns:
        The worst of all agreements.

    Raises:
        ValueError: it cannot be run, or gives other embeddings.
        BundleError: the model's own embeddings are not finite.
    """
    session, embedder = open_session(content, 1), Embedder(model, "cpu", threads=1)
    worst = Agreement(1.0, 0.0)
    for waveforms in _noise():
        expected = embedder.embed_whole(list(waveforms), 1)
        try:
            (found,) = session.run([EXPORTED_OUTPUT], {EXPORTED_INPUT: waveforms})
        except Exception as error:  # of onnxruntime, which promises no type
            raise ValueError(f"it cannot be run: {' '.join(str(error).split())[:160]}") from None
        what = f"{len(waveforms)} of {waveforms.shape[1] / SAMPLE_RATE:g} s of noise"
        if found.shape != expected.shape or found.dtype != np.float32 or not np.isfinite(found).all():
            raise ValueError(f"it gives no embeddings for {what}, but {found.dtype} {found.shape}")
        seen = Agreement.of(found, expected)
        if not (seen.cosine >= LEAST_COSINE and seen.difference <= MOST_DIFFERENCE):
            raise ValueError(
                f"it gives other embeddings for {what}: cosine {seen.cosine:.5f}, greatest difference "
                f"{100 * seen.difference:.2g} %"
            )
        worst = Agreement(min(worst.cosine, seen.cosine), max(worst.difference, seen.difference))
    return worst


def _noise() -> Iterator[FloatArray]:
    """Yield float32 ``(batch, samples)``: noise that grows from digital silence, with an offset."""
    rng = np.random.default_rng(0)
    for seconds in SECONDS:
        samples = round(seconds * SAMPLE_RATE)
        swell = np.clip(np.linspace(-0.1, 0.5, samples), 0, None)
        for batch in BATCHES:
            noise = swell * rng.standard_normal((batch, samples)) + 0.01
            yield noise.astype(np.float32)
