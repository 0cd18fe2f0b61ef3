"""Baselines that compare utterances with the centroids of the speakers of their batch.

In a process group of several processes the batch is that of all: each gathers the whole and computes the same loss, and
every process must call it. After averaging, the gradients of the parameters are those of one process with the batch.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from speakertrip.losses.across import gather_batch
from speakertrip.miners.distances import as_float

_SMALLEST_SCALE = 1e-6


class _ScaledCosine(nn.Module):
    """The similarity ``S = w·cos + b`` with w and b learned, that both losses share."""

    def __init__(self, scale: float = 10.0, bias: float = -5.0) -> None:
        super().__init__()
        if not _SMALLEST_SCALE <= scale < math.inf:
            raise ValueError(f"scale must be at least {_SMALLEST_SCALE} and finite, not {scale}")
        if not math.isfinite(bias):
            raise ValueError(f"bias must be finite, not {bias}")
        self.scale = nn.Parameter(torch.tensor(float(scale)))
        self.bias = nn.Parameter(torch.tensor(float(bias)))

    def similarity(self, cosines: Tensor) -> Tensor:
        # The lift has no gradient of its own: a plain clamp would pass none to a scale below the floor, which
        # could then never come back.
        lift = (_SMALLEST_SCALE - self.scale).clamp_min(0).detach()
        return (self.scale + lift) * cosines + self.bias


class AngularPrototypical(_ScaledCosine):
    """The last utterance of each speaker classified among the speakers' centroids of all others.

    ``L = (1/P) Σ_j −log(exp(S_jj) / Σ_k exp(S_jk))`` with ``S_jk = w·cos(q_j, c_k) + b``, q_j the last
    utterance of speaker j in the order of the batch (the query) and c_k the mean of the M−1 others of speaker
    k (the prototype) (Chung et al.: In defence of metric learning for speaker recognition, Interspeech 2020).
    As in the paper the mean is that of the embeddings as they come: raw or of unit length.

    ``scale`` (w, held at 1e-6 or more) and ``bias`` (b) are parameters for the optimizer. A softmax is blind
    to b, whose gradient is zero; it is here for the similarities to be those of the paper. Time grows with
    speakers² x dim.

    Args:
        scale: w at the start, at least 1e-6.
        bias: b at the start, finite.

    Shape:
        - embeddings: ``(batch, dim)``, batch = speakers x utterances
        - labels: ``(batch,)``, any values, in any order; equally many utterances of each speaker
        - output: scalar, float32 (float64 where the embeddings are)

    Raises:
        ValueError: a setting is out of its range, shapes do not fit, or the batch does not hold at least two
            speakers with equally many, and at least two, utterances.

    Example:
        >>> embeddings = torch.tensor([[1.0, 0.0], [0.0, 2.0], [3.0, 0.0], [0.0, 1.0]])
        >>> loss = AngularPrototypical(scale=1.0)(embeddings, torch.tensor([5, 7, 5, 7]))
        >>> print(f"{loss.item():.3f}")
        0.313
    """

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """Compute the mean over the speakers of the batch."""
        embeddings, labels, _ = gather_batch(embeddings, labels)
        rows = _rows_of_speakers(embeddings, labels)
        with torch.autocast(embeddings.device.type, enabled=False):
            grouped = as_float(embeddings)[rows]
            queries = functional.normalize(grouped[:, -1], dim=1)
            prototypes = functional.normalize(grouped[:, :-1].mean(dim=1), dim=1)
            own = torch.arange(len(rows), device=rows.device)
            return functional.cross_entropy(self.similarity(queries @ prototypes.T), own)


class GE2E(_ScaledCosine):
    """Every utterance classified among the speakers' centroids, left out of its own: the softmax form.

    ``L = (1/B) Σ_ji −log(exp(S_ji,j) / Σ_k exp(S_ji,k))`` with ``S_ji,k = w·cos(e_ji, c_k) + b``, e_ji the
    i-th embedding of speaker j at unit length and c_k the mean of those of speaker k, for k = j without e_ji
    (Wan et al.: Generalized end-to-end loss for speaker verification, ICASSP 2018). The paper sums over the
    batch; here it is the mean. Embeddings are brought to unit length inside.

    ``scale`` (w, held at 1e-6 or more) and ``bias`` (b) are parameters for the optimizer. A softmax is blind
    to b, whose gradient is zero; it is here for the similarities to be those of the paper. Time grows with
    batch x speakers x dim.

    Args:
        scale: w at the start, at least 1e-6.
        bias: b at the start, finite.

    Shape:
        - embeddings: ``(batch, dim)``, of any length, batch = speakers x utterances
        - labels: ``(batch,)``, any values, in any order; equally many utterances of each speaker
        - output: scalar, float32 (float64 where the embeddings are)

    Raises:
        ValueError: a setting is out of its range, shapes do not fit, or the batch does not hold at least two
            speakers with equally many, and at least two, utterances.

    Example:
        >>> embeddings = torch.tensor([[1.0, 0.0], [0.0, 2.0], [3.0, 0.0], [0.0, 1.0]])
        >>> loss = GE2E(scale=1.0)(embeddings, torch.tensor([5, 7, 5, 7]))
        >>> print(f"{loss.item():.3f}")
        0.313
    """

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """Compute the mean over the batch."""
        embeddings, labels, _ = gather_batch(embeddings, labels)
        rows = _rows_of_speakers(embeddings, labels)
        speakers, utterances = rows.shape
        with torch.autocast(embeddings.device.type, enabled=False):
            grouped = functional.normalize(as_float(embeddings), dim=1)[rows]
            sums = grouped.sum(dim=1)  # a cosine does not see the difference between a sum and a mean
            cosines = grouped.flatten(0, 1) @ functional.normalize(sums, dim=1).T
            others = functional.normalize(sums[:, None] - grouped, dim=2)
            to_own = (grouped * others).sum(dim=2).view(-1, 1)
            own = torch.arange(speakers, device=rows.device).repeat_interleave(utterances)
            similarities = self.similarity(cosines.scatter(1, own[:, None], to_own))
            return functional.cross_entropy(similarities, own)


def _rows_of_speakers(embeddings: Tensor, labels: Tensor) -> Tensor:
    """Return the rows of each speaker in the order of the batch, ``(speakers, utterances)``."""
    if embeddings.ndim != 2 or labels.shape != embeddings.shape[:1]:
        raise ValueError(
            "embeddings must be (batch, dim) and labels (batch,), not "
            f"{tuple(embeddings.shape)} and {tuple(labels.shape)}"
        )
    _, speaker, counts = torch.unique(labels, return_inverse=True, return_counts=True)
    if len(counts) < 2:
        raise ValueError(f"a batch needs at least two speakers, not {len(counts)}")
    fewest, most = (int(count) for count in torch.aminmax(counts))
    if fewest != most:
        raise ValueError(
            f"every speaker needs equally many utterances in the batch, not between {fewest} and {most}"
        )
    if fewest < 2:
        raise ValueError("every speaker needs at least two utterances in the batch, not one")
    return torch.argsort(speaker, stable=True).view(len(counts), fewest)
