"""Negatives drawn by chance: uniformly, or so that all distances are seen alike."""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from speakertrip.miners.batch import anchors_of
from speakertrip.miners.distances import as_float, in_blocks, squared_distances
from speakertrip.miners.sets import RowSets, TripletSets


class Random:
    """For each anchor all positives, and some negatives drawn uniformly, none twice.

    What the n-th call draws for a row of a batch is a function of (seed, n) and of that row alone, so that processes
    that share the anchors of a batch draw as one process does.

    Args:
        count: negatives of each anchor, at least 1; where there are fewer, all of them.
        seed: of the draws.
        start: number of the first call; a resumed run passes the calls it had made.

    Raises:
        ValueError: the count is below 1.

    Example:
        >>> sets = Random(count=2, seed=0)(torch.randn(6, 3), torch.arange(6) // 2)
        >>> sets.negatives.indices.shape
        torch.Size([6, 2])
    """

    def __init__(self, count: int, seed: int, start: int = 0) -> None:
        if count < 1:
            raise ValueError(f"count must be at least 1, not {count}")
        self.count, self.seed, self.calls = count, seed, start

    @torch.no_grad()
    def __call__(self, embeddings: Tensor, labels: Tensor, anchors: Tensor | None = None) -> TripletSets:
        """See ``Miner``."""
        anchors = anchors_of(embeddings, labels, anchors)
        # Mixed, for torch takes no more than 32 bits of a seed.
        seed = int(np.random.SeedSequence([self.seed, self.calls]).generate_state(1)[0])
        generator = torch.Generator(embeddings.device).manual_seed(seed)
        self.calls += 1
        vectors = self._points(embeddings)
        count = min(self.count, len(labels))
        indices = anchors.new_empty(len(anchors), count)
        values = vectors.new_empty(len(anchors), count)
        blocks = in_blocks(len(labels), len(labels))
        buffer = vectors.new_empty(blocks[0].stop, len(labels))
        for block in blocks:  # of all rows: what is drawn for a row hangs on no other anchor
            chances = buffer[: block.stop - block.start].uniform_(generator=generator)
            here = ((anchors >= block.start) & (anchors < block.stop)).nonzero().squeeze(1)
            rows = anchors[here]
            waits = self._waits(chances[rows - block.start], vectors, rows)
            waits.masked_fill_(labels[rows, None] == labels, torch.inf)
            values[here], indices[here] = waits.topk(count, dim=1, largest=False)
        return TripletSets(anchors, negatives=RowSets(indices, values != torch.inf))

    def _points(self, embeddings: Tensor) -> Tensor:
        return as_float(embeddings)

    def _waits(self, chances: Tensor, vectors: Tensor, rows: Tensor) -> Tensor:
        """Turn numbers ``(rows, batch)``, uniform in [0, 1), into waiting times; those who wait least are drawn."""
        return chances

    def easier(self) -> "Random | None":
        """Return None: nothing is easier than chance."""
        return None


class DistanceWeighted(Random):
    """For each anchor all positives, and some negatives drawn so that each distance is equally likely.

    On the sphere in many dimensions nearly all pairs lie at distance sqrt(2). A negative at distance d is drawn
    with probability proportional to ``1/q(d)``, ``q(d) ~ d^(D-2) (1 - d²/4)^((D-3)/2)``, so that near ones come
    too, with less variance than the hardest alone (Wu, Manmatha, Smola, Krähenbühl: Sampling matters in deep
    embedding learning, ICCV 2017). Distances below ``nearest`` count as ``nearest``, and negatives beyond
    ``farthest`` are not drawn: they would not violate a margin. Embeddings are taken at unit length.

    Args:
        count: negatives of each anchor, at least 1; where there are fewer, all of them.
        seed: of the draws.
        start: number of the first call; a resumed run passes the calls it had made.
        nearest: Euclidean distance, not squared.
        farthest: Euclidean distance, not squared, in (nearest, 2].

    Raises:
        ValueError: the count is below 1, or not ``0 < nearest < farthest <= 2``.

    Example:
        >>> embeddings = torch.nn.functional.normalize(torch.randn(6, 8), dim=1)
        >>> DistanceWeighted(count=1, seed=0, farthest=2.0)(embeddings, torch.arange(6) // 2).negatives.mask.all()
        tensor(True)
    """

    def __init__(
        self, count: int, seed: int, start: int = 0, nearest: float = 0.5, farthest: float = 1.4
    ) -> None:
        super().__init__(count, seed, start)
        if not 0 < nearest < farthest <= 2:
            raise ValueError(f"0 < nearest < farthest <= 2 must hold, not {nearest} and {farthest}")
        self.nearest, self.farthest = nearest, farthest

    def _points(self, embeddings: Tensor) -> Tensor:
        return functional.normalize(as_float(embeddings), dim=1)

    def _waits(self, chances: Tensor, vectors: Tensor, rows: Tensor) -> Tensor:
        # The shortest of exponential waits with rates w are a draw without repetition by weights w (Efraimidis,
        # Spirakis, 2006); in logarithms, for 1/q has too many digits. -ln(u) of a uniform u is exponential.
        waits = chances.clamp_min_(2**-25).log_().neg_().log_()
        squared = squared_distances(vectors[rows], vectors)
        near = squared.clamp(self.nearest**2, 3.999)  # q vanishes at the antipode
        dim = vectors.shape[1]
        waits.add_(near.log(), alpha=(dim - 2) / 2).add_(near.mul_(-0.25).log1p_(), alpha=(dim - 3) / 2)
        return waits.masked_fill_(squared > self.farthest**2, torch.inf)

    def easier(self) -> Random:
        """Return the miner that draws uniformly."""
        return Random(self.count, self.seed, self.calls)
