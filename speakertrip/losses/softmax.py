"""The additive angular margin softmax, a baseline that learns a weight vector for every training speaker."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from speakertrip.losses.across import mean_across
from speakertrip.miners.distances import as_float


class AAMSoftmax(nn.Module):
    """Each utterance classified among all training speakers, its own speaker made harder by an angle.

    ``L = (1/B) Σ_i −log(exp(s·φ(θ_i)) / (exp(s·φ(θ_i)) + Σ_{k≠y_i} exp(s·cos θ_ik)))`` with θ_ik the angle
    between embedding i and the nearest of the sub-centres of speaker k, θ_i = θ_ik at k = y_i, and
    ``φ(θ) = cos(θ + m)`` (Deng et al.: ArcFace, CVPR 2019; sub-centres: Deng et al.: Sub-center ArcFace,
    ECCV 2020). Past θ + m = π that cosine would rise again; there ``φ(θ) = cos θ − m·sin m``, so that φ falls
    all the way to θ = π. Embeddings and weights are brought to unit length inside.

    ``margin`` is a plain attribute that may be assigned between steps. That is how it is warmed up, from 0 to
    its value: ``loss.margin = 0.2 * min(1, step / steps_of_warm_up)``. It is no part of ``state_dict``.

    In a process group of several processes the mean is over the rows of all, the same on each, and after averaging
    so are the gradients of the parameters: every process must call it, with at least one row.

    Args:
        dim: of the embeddings.
        speakers: of the training set, at least 2.
        margin: m, an angle in radians, in [0, π/2).
        scale: s, positive.
        subcenters: weight vectors of each speaker, at least 1; a few take up noisy labels.

    Shape:
        - embeddings: ``(batch, dim)``, of any length
        - labels: long ``(batch,)``, in 0..speakers-1
        - weight: ``(speakers * subcenters, dim)``; the rows of one speaker follow each other
        - output: scalar, float32 (float64 where the embeddings are)

    Raises:
        ValueError: a setting is out of its range, shapes do not fit, or a label names no speaker.

    Example:
        >>> loss = AAMSoftmax(dim=2, speakers=2, margin=0.0, scale=1.0)
        >>> loss.weight = nn.Parameter(torch.eye(2))
        >>> embeddings, labels = torch.tensor([[3.0, 0.0], [0.0, 1.0]]), torch.tensor([0, 1])
        >>> print(f"{loss(embeddings, labels).item():.3f}")
        0.313
        >>> loss.margin = 0.5
        >>> print(f"{loss(embeddings, labels).item():.3f}")
        0.348
    """

    def __init__(
        self, dim: int, speakers: int, margin: float = 0.2, scale: float = 30.0, subcenters: int = 1
    ) -> None:
        super().__init__()
        if dim < 1 or speakers < 2 or subcenters < 1:
            raise ValueError(
                "dim and subcenters must be at least 1 and speakers at least 2, not "
                f"{dim}, {subcenters} and {speakers}"
            )
        if not 0 < scale < math.inf:
            raise ValueError(f"scale must be positive and finite, not {scale}")
        _check_margin(margin)
        self.speakers, self.subcenters = speakers, subcenters
        self.margin, self.scale = margin, scale
        self.weight = nn.Parameter(torch.empty(speakers * subcenters, dim))
        nn.init.xavier_normal_(self.weight)

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """Compute the mean over the batch."""
        self._check(embeddings, labels)
        with torch.autocast(embeddings.device.type, enabled=False):
            cosines = self._cosines(embeddings)
            own = labels[:, None]
            logits = cosines.scatter(1, own, self._with_margin(cosines.gather(1, own)))
            return mean_across(functional.cross_entropy(self.scale * logits, labels), len(labels))

    def _cosines(self, embeddings: Tensor) -> Tensor:
        """Cosine of each embedding to the nearest sub-centre of each speaker, ``(batch, speakers)``."""
        vectors = functional.normalize(as_float(embeddings))
        cosines = vectors @ functional.normalize(self.weight.to(vectors)).T
        return cosines.view(-1, self.speakers, self.subcenters).max(dim=2).values

    def _with_margin(self, cosine: Tensor) -> Tensor:
        # The slope of the square root is infinite at 0, where an embedding lies on its weight or opposite to
        # it; below the rounding of a cosine the sine is held, so that its slope is finite (there: zero).
        sine = ((1 - cosine) * (1 + cosine)).clamp_min(torch.finfo(cosine.dtype).eps).sqrt()
        shifted = cosine * math.cos(self.margin) - sine * math.sin(self.margin)
        below_pi = cosine > -math.cos(self.margin)  # θ < π − m
        return torch.where(below_pi, shifted, cosine - self.margin * math.sin(self.margin))

    def _check(self, embeddings: Tensor, labels: Tensor) -> None:
        _check_margin(self.margin)  # again, for it may have been assigned
        dim = self.weight.shape[1]
        if embeddings.ndim != 2 or embeddings.shape[1] != dim or labels.shape != embeddings.shape[:1]:
            raise ValueError(
                f"embeddings must be (batch, {dim}) and labels (batch,), not "
                f"{tuple(embeddings.shape)} and {tuple(labels.shape)}"
            )
        if not len(labels):
            raise ValueError("the batch must hold at least one utterance")
        if labels.dtype != torch.long:
            raise ValueError(f"labels must be long, not {labels.dtype}")
        low, high = (int(label) for label in torch.aminmax(labels))
        if low < 0 or high >= self.speakers:
            raise ValueError(f"labels must be in 0..{self.speakers - 1}, not in {low}..{high}")


def _check_margin(margin: float) -> None:
    if not 0 <= margin < math.pi / 2:
        raise ValueError(f"margin must be an angle in [0, pi/2), not {margin}")
