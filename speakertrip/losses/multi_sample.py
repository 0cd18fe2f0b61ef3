"""The multi-sample triplet loss, linear in the batch and exact across processes."""

import torch
from torch import Tensor

from speakertrip.losses.distances import AnchorDistances, distances_of_sets, distances_to_points
from speakertrip.losses.sums import have_both, mean_distances, number_speakers
from speakertrip.losses.violation import MarginLoss
from speakertrip.miners import TripletSets
from speakertrip.miners.batch import shape_problem
from speakertrip.miners.distances import as_float


class MultiSampleTripletLoss(MarginLoss):
    """Each anchor against the mean over its speaker's other utterances and the mean over others' utterances.

    ``L = (1/A) Σ_i max(0, mean_{p∈P(i)} d²(i,p) − mean_{n∈N(i)} d²(i,n) + margin)`` with d² the squared
    Euclidean distance, P(i) the other utterances of the anchor's speaker, N(i) utterances of other speakers,
    and A the number of anchors that have both. The anchor is never its own positive.

    Three forms agree: ``loss(embeddings, labels)`` over all positives and negatives, ``loss(embeddings, labels,
    sets)`` over the sets of a miner, and ``loss.explicit(anchors, positives, negatives)`` over given points. The
    first needs only sums per speaker: time and memory grow with batch x dim, and no batch x batch matrix is made.

    In a process group of several processes the loss is that of all their rows together, the same on each, and
    after the gradient averaging of ``DistributedDataParallel`` so are the gradients of the parameters: every
    process must call it. Labels then mean the same speaker everywhere, and speakers need not be balanced over the
    processes. The first form moves labels, counts and sums per speaker only; mined sets refer to the rows that
    they were mined from, as ``gather_batch`` collects them, and the mean is over the terms of all processes.

    Args:
        margin: in squared distance, positive; embeddings of unit length have d² in [0, 4]. A schedule may assign
            the attribute between steps. 0 is allowed with ``softplus_scale``.
        softplus_scale: None for the hinge; a positive s smooths it to ``ln(1 + exp(s x)) / s``, whose gradient
            never dies. On the sphere 10 to 30.
        reduction: "all" averages over all anchors, as the definition does; "active" over those that violate the
            margin, so that the gradient does not fade with their number (nor does the value: watch their share).
        across: False keeps the loss to the rows of this process, whatever the process group.

    Shape:
        - embeddings: ``(batch, dim)``, as the caller wants them: raw or of unit length
        - labels: long ``(batch,)``, any values
        - sets: of rows of the batch, from a miner
        - output: scalar, float32 (float64 for float64 embeddings); zero with a zero gradient where no anchor
          violates the margin

    Raises:
        ValueError: an option is out of range, shapes do not fit, or no row of the batch has a positive and a
            negative. Mined sets that are all empty are no error: they cost nothing.

    Example:
        >>> embeddings = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
        >>> MultiSampleTripletLoss(margin=0.6)(embeddings, torch.tensor([0, 0, 1, 1]))
        tensor(0.1000)
    """

    def forward(self, embeddings: Tensor, labels: Tensor, sets: TripletSets | None = None) -> Tensor:
        """Compute the loss of a batch, over everything or over mined sets."""
        return self.of_distances(self.distances(embeddings, labels, sets))

    def explicit(
        self,
        anchors: Tensor,
        positives: Tensor,
        negatives: Tensor,
        positive_mask: Tensor | None = None,
        negative_mask: Tensor | None = None,
    ) -> Tensor:
        """Compute the loss of given points.

        Args:
            anchors: ``(anchors, dim)``.
            positives: ``(anchors, P, dim)``.
            negatives: ``(anchors, N, dim)``.
            positive_mask: bool ``(anchors, P)``, False where a set has fewer; None: all count.
            negative_mask: bool ``(anchors, N)``, likewise.

        Raises:
            ValueError: shapes do not fit, or no anchor has a positive and a negative.
        """
        sides = ((positives, positive_mask), (negatives, negative_mask))
        problem = next(filter(None, (_points_problem(anchors, *side) for side in sides)), None)
        means, has_both = [], torch.ones(len(anchors), dtype=torch.bool, device=anchors.device)
        for points, mask in sides if problem is None else ():
            if mask is None:
                mask = torch.ones(points.shape[:2], dtype=torch.bool, device=points.device)
            with torch.autocast(anchors.device.type, enabled=False):
                means.append(distances_to_points(as_float(anchors), as_float(points), mask))
            has_both = has_both & mask.any(dim=1)
        self._require_any(has_both, problem)
        return self.of_distances(AnchorDistances(*means).of(has_both))

    def distances(
        self, embeddings: Tensor, labels: Tensor, sets: TripletSets | None = None
    ) -> AnchorDistances:
        """Return the two means of each anchor of this process that has both."""
        problem = shape_problem(embeddings, labels)
        across = self._across and sets is None
        row, counts = number_speakers(labels, across, problem)
        has_both = row.new_zeros(0, dtype=torch.bool) if problem else have_both(row, counts)
        self._require_any(has_both, problem)
        with torch.autocast(embeddings.device.type, enabled=False):
            if sets is None:
                means = AnchorDistances(*mean_distances(as_float(embeddings), row, counts, across))
            else:
                means, has_both = distances_of_sets(as_float(embeddings), row, counts, sets)
        return means.of(has_both)

    def excess(self, distances: AnchorDistances) -> Tensor:
        """Return ``mean d²(a,p) − mean d²(a,n) + margin`` of each anchor; above zero it is active."""
        return distances.to_positives - distances.to_negatives + self.margin

    def of_distances(self, distances: AnchorDistances) -> Tensor:
        """Return the loss of the two means."""
        return self.of_excess(self.excess(distances))

    def _require_any(self, has_both: Tensor, problem: str | None) -> None:
        nothing = (
            "no anchor has both a positive and a negative: a batch needs two speakers, and a speaker with "
            f"two utterances (this one has {len(has_both)} rows)"
        )
        self._require(has_both.any(), nothing, problem)


def _points_problem(anchors: Tensor, points: Tensor, mask: Tensor | None) -> str | None:
    count, dim = anchors.shape if anchors.ndim == 2 else (-1, -1)
    if points.ndim != 3 or (points.shape[0], points.shape[2]) != (count, dim):
        return (
            "anchors must be (anchors, dim), positives and negatives (anchors, any, dim), not "
            f"{tuple(anchors.shape)} and {tuple(points.shape)}"
        )
    if mask is not None and (mask.shape != points.shape[:2] or mask.dtype != torch.bool):
        return f"a mask must be bool {tuple(points.shape[:2])}, not {mask.dtype} {tuple(mask.shape)}"
    return None
