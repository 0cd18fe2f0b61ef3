"""A file of float32 scores, counted by their bits without a look at more than a block of it at a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from speakertrip.errors import DataError
from speakertrip.manifests.lines import FilePath
from speakertrip.metrics.llr import mean_bits

BLOCK = 2**18  # scores at a time: their counting stays in the processor's cache
BINS = 2**16  # by the upper 16 bits of a score, and by the lower ones within each
# The upper bits in ascending order of their scores: those of negative numbers descend, then positive ones ascend.
IN_ORDER = np.concatenate([np.arange(BINS - 1, BINS // 2 - 1, -1), np.arange(BINS // 2)])
NOT_FINITE = np.flatnonzero((np.arange(BINS) & 0x7F80) == 0x7F80)

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class ScoreFile:
    """A ``.npy`` file of float32 scores.

    Attributes:
        path: the file.
        count: how many scores it holds.
        begin: where they begin, in bytes.
    """

    path: FilePath
    count: int
    begin: int

    @classmethod
    def open(cls, path: FilePath) -> "ScoreFile":
        """Read the head of a file.

        Raises:
            DataError: it is missing, is no float32 array ``(scores,)`` or holds no score.
        """
        try:
            array = np.load(path, mmap_mode="r", allow_pickle=False)
        except OSError as error:
            raise DataError(f"Cannot read the scores {path}: {error.strerror or error}.") from None
        except ValueError as error:
            raise DataError(f"{path} is no .npy file that can be mapped: {error}.") from None
        if not isinstance(array, np.memmap) or array.ndim != 1 or array.dtype != np.dtype("<f4"):
            found = f"{array.dtype} {array.shape}" if isinstance(array, np.ndarray) else "an archive"
            raise DataError(f"{path} holds {found}; scores are a float32 array of one dimension.")
        if not len(array):
            raise DataError(f"{path} holds no score; an error rate needs target and nontarget trials.")
        return cls(path, len(array), int(array.offset))

    def look(self, truth: bool) -> tuple[IntArray, float]:
        """Count the scores by their upper bits, in ascending order of the scores.

        Args:
            truth: whether these are target trials.

        Returns:
            The counts ``(BINS,)``, and the mean cost of the scores as likelihood ratios, in bits.

        Raises:
            DataError: a score is not finite, or the file has become shorter.
        """
        counts, bits = np.zeros(BINS, dtype=np.int64), 0.0
        for row, scores in self._blocks():
            found = np.bincount(scores.view(np.uint16)[1::2], minlength=BINS)
            if found[NOT_FINITE].any():
                raise DataError(
                    f"{self.path}: score {row + int(np.argmin(np.isfinite(scores)))} is not finite."
                )
            counts += found
            bits += mean_bits(-scores if truth else scores) * len(scores)
        return counts[IN_ORDER], bits / self.count

    def look_into(self, bins: IntArray) -> IntArray:
        """Count the scores of some bins by their lower bits, in ascending order of the scores, ``(bins * BINS,)``."""
        place = np.full(BINS, -1)
        place[IN_ORDER[bins]] = np.arange(len(bins))
        counts = np.zeros(len(bins) * BINS, dtype=np.int64)
        for _, scores in self._blocks():
            halves = scores.view(np.uint16)
            places = place[halves[1::2]]
            inside = np.flatnonzero(places >= 0)
            upper, lower = halves[1::2][inside], halves[::2][inside]
            lower = np.where(upper >= BINS // 2, BINS - 1 - lower, lower)  # negative: the more, the lower
            np.add.at(counts, places[inside] * BINS + lower, 1)
        return counts

    def _blocks(self) -> Iterator[tuple[int, npt.NDArray[np.float32]]]:
        """Yield the row of a block's first score, and its scores; zeros have no sign."""
        buffer = np.empty(BLOCK, dtype="<f4")
        with Path(self.path).open("rb") as file:
            file.seek(self.begin)
            for row in range(0, self.count, BLOCK):
                block = buffer[: self.count - row]
                if file.readinto(block.view(np.uint8)) != block.nbytes:  # type: ignore[arg-type]
                    raise DataError(f"{self.path} ends before the {self.count:,} scores that it announces.")
                block += np.float32(0)
                yield row, block


def scores_of(keys: IntArray) -> npt.NDArray[np.float64]:
    """Return the scores of ``bin * BINS + lower bits``, both in ascending order of the scores."""
    positive = keys >= BINS * BINS // 2
    bits = np.where(positive, keys - BINS * BINS // 2, BINS * BINS - 1 - keys)
    return bits.astype("<u4").view("<f4").astype(np.float64)
