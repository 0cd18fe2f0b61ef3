"""Semi-hard negatives."""

import torch
from torch import Tensor

from speakertrip.miners.batch import anchors_of, count_speakers
from speakertrip.miners.distances import centred, rank_in_blocks
from speakertrip.miners.everything import Everything
from speakertrip.miners.sets import BandSets, RowSets, SpeakerSets, TripletSets

FEW = 12  # edges of bands that are faster counted one after the other than searched


class SemiHard:
    """For each pair of an anchor and a positive, the negatives that are farther, but within the margin.

    ``d²(a,p) < d²(a,n) < d²(a,p) + margin`` (Schroff, Kalenichenko, Philbin: FaceNet, CVPR 2015): every one of
    them violates the margin, and none is nearer than the positive, as wrong labels and outliers are. An anchor
    comes once for each of its positives; a pair without such a negative has an empty set. The sets take a few bytes
    for each two rows of the batch, however many pairs there are.

    No distance lies within a margin of what is not a number: a batch that holds such embeddings gets all positives
    and all negatives, so that the loss says so.

    Args:
        margin: in squared distance, positive; as a rule that of the loss.

    Raises:
        ValueError: the margin is not positive.

    Example:
        >>> sets = SemiHard(1.0)(torch.tensor([[0.0], [1.0], [1.2], [9.0]]), torch.tensor([0, 0, 1, 2]))
        >>> sets.anchors.tolist(), sets.positives.indices.tolist(), sets.negatives.as_rows().mask.tolist()
        ([0, 1], [[1], [0]], [[False, False, True, False], [False, False, False, False]])
    """

    def __init__(self, margin: float) -> None:
        if not margin > 0:
            raise ValueError(f"margin must be positive, not {margin}")
        self.margin = margin

    @torch.no_grad()
    def __call__(self, embeddings: Tensor, labels: Tensor, anchors: Tensor | None = None) -> TripletSets:
        """See ``Miner``."""
        anchors = anchors_of(embeddings, labels, anchors)
        if not centred(embeddings).square().sum(dim=1).isfinite().all():
            return TripletSets(anchors)
        speaker, counts = count_speakers(labels)
        own = SpeakerSets(speaker, counts, speaker[anchors, None]).as_rows()
        there = own.mask & (own.indices != anchors[:, None])  # the anchor is not its own positive
        edges_at_most = 2 * max(1, int(counts.max()) - 1)
        first, last = torch.empty_like(own.indices), torch.empty_like(own.indices)
        narrow = torch.uint8 if edges_at_most < 256 else torch.int32
        bands = anchors.new_empty(len(anchors), len(labels), dtype=narrow)

        def choose(places: Tensor, rows: Tensor, distances: Tensor) -> Tensor:
            near = distances.gather(1, own.indices[places])
            # A band ends with its edge; what lies on the far edge is outside, hence the next smaller number.
            far = torch.nextafter(near + self.margin, torch.zeros_like(near))
            decisive = far.masked_fill(~there[places], 0).amax(dim=1)
            near.masked_fill_(~there[places], torch.inf)
            far.masked_fill_(~there[places], torch.inf)
            edges = torch.cat([near, far], dim=1).sort(dim=1).values[:, :edges_at_most].contiguous()
            first[places] = torch.searchsorted(edges, near, right=True)
            last[places] = torch.searchsorted(edges, far)
            distances.masked_fill_(speaker[rows, None] == speaker, torch.inf)  # beyond all edges
            bands[places] = _bands(distances, edges, narrow)
            return decisive

        rank_in_blocks(embeddings, anchors, choose)
        first, last, pairs = first[there], last[there], there.nonzero()[:, 0]
        each = RowSets(own.indices[there][:, None], pairs.new_ones(len(pairs), 1, dtype=torch.bool))
        negatives = BandSets(anchors, bands, pairs, first, torch.maximum(last, first - 1))
        return TripletSets(anchors[pairs], each, negatives)

    def easier(self) -> Everything:
        """Return the miner of all negatives: others would choose nearer ones."""
        return Everything()


def _bands(distances: Tensor, edges: Tensor, dtype: torch.dtype) -> Tensor:
    """Count the edges ``(rows, edges)``, sorted, below each distance ``(rows, batch)``."""
    if edges.shape[1] > FEW:
        return torch.searchsorted(edges, distances, out_int32=True).to(dtype)
    bands = torch.zeros_like(distances, dtype=dtype)
    for edge in edges.T:
        bands += distances > edge[:, None]
    return bands
