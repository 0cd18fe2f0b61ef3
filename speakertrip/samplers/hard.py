"""Batches of speakers that the encoder takes for each other."""

import numpy as np
import numpy.typing as npt

from speakertrip.errors import TrainingError
from speakertrip.samplers.centroids import FloatArray, unit_rows
from speakertrip.samplers.layout import IntArray

STEPS = 2**11  # of a coordinate between 0 and 1, where similarities are to be exact


class HardSpeakers:
    """Similar speakers in one batch, by the centroids of the last epoch.

    Each batch of an epoch has a seed, drawn among the speakers that no batch has yet, and those of them that are
    nearest to it by the cosine of the centroids; the rest of the batch is drawn by chance. Every speaker still
    comes once in an epoch.

    Before the first ``update`` the sampler arranges its epochs without it. A run that is resumed within an epoch
    gives it the centroids that the epoch began with; processes that share the batches give it the same ones.

    Args:
        share: of a batch that the seed and its neighbours make up, above 0 and at most 1; two speakers at least.

    Raises:
        TrainingError: a share out of range.

    Attributes:
        centroids: float ``(speakers, dim)``, as last given; None before.

    Example:
        >>> hard = HardSpeakers(share=0.5)
        >>> hard.update(np.array([[0.0, 1.0], [1.0, 0.0], [0.1, 1.0], [1.0, 0.1]]))
        >>> batches = hard.arrange(p=2, rng=np.random.default_rng(0))
        >>> sorted(sorted(batch) for batch in batches.tolist())
        [[0, 2], [1, 3]]
    """

    def __init__(self, share: float) -> None:
        if not 0 < share <= 1:
            raise TrainingError(f"The share of hard speakers in a batch is {share:g}; it must be in (0, 1].")
        self.share = share
        self.centroids: npt.NDArray[np.floating] | None = None

    def update(self, centroids: npt.NDArray[np.floating]) -> None:
        """Take the centroids ``(speakers, dim)`` of the last epoch, between epochs.

        Rows of zeros or with a NaN are speakers not seen yet: they come by chance only.

        Raises:
            TrainingError: not two dimensions.
        """
        if centroids.ndim != 2:
            raise TrainingError(
                f"Centroids are an array of (speakers, dim), but one of shape {centroids.shape} was given."
            )
        self.centroids = centroids.copy()

    def arrange(self, p: int, rng: np.random.Generator) -> IntArray:
        """Deal the speakers into the batches of one epoch, in an order that says nothing.

        Args:
            p: speakers in a batch.
            rng: source of chance.

        Returns:
            Speakers, ``(batches, p)``; what does not fill a batch is left out by chance.

        Raises:
            TrainingError: no centroids were given yet.
        """
        if self.centroids is None:
            raise TrainingError("There are no centroids to find hard speakers by; call update first.")
        vectors = rounded_rows(self.centroids)
        order = rng.permutation(len(vectors))[: len(vectors) // p * p]
        batches = np.full((len(order) // p, p), -1, dtype=np.int64)
        free = np.zeros(len(vectors), dtype=np.bool_)  # may still be chosen for their likeness
        free[order] = vectors[order].any(axis=1)
        size = min(p, max(2, round(self.share * p)))
        seeds = iter(order)
        for batch in batches:
            seed = next((speaker for speaker in seeds if free[speaker]), None)
            if seed is None:
                break
            near = _nearest(vectors, int(seed), np.flatnonzero(free), size)
            batch[: len(near)] = near
            free[near] = False
        batches[batches < 0] = rng.permutation(np.setdiff1d(order, batches))
        return rng.permutation(rng.permuted(batches, axis=1))


def _nearest(vectors: FloatArray, seed: int, free: IntArray, count: int) -> IntArray:
    """Return the seed and those most like it among the free, of equal ones the first; at most ``count``."""
    similarity = (vectors @ vectors[seed])[free]
    similarity[free == seed] = np.inf
    count = min(count, len(free))
    best = np.flatnonzero(similarity >= np.partition(similarity, -count)[-count])
    return free[best[np.argsort(-similarity[best], kind="stable")[:count]]]


def rounded_rows(centroids: npt.NDArray[np.floating]) -> FloatArray:
    """Return unit rows, rounded so that a product of two has no rounding error.

    Their products are multiples of ``STEPS ** -2`` and sum to little over 1, which the 24 bits of float32 hold.
    So all processes find the same neighbours, in whatever order their libraries add.
    """
    return (np.round(unit_rows(centroids) * STEPS) / STEPS).astype(np.float32)
