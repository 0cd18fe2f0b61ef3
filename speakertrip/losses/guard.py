"""Notice when a triplet training collapses."""

from dataclasses import dataclass

from speakertrip.losses.health import TripletHealth

AT_MARGIN = 0.02  # of the margin


@dataclass(slots=True)
class CollapseGuard:
    """Watches the health of each step, and speaks when all speakers have met in one point for too long.

    A batch counts as collapsed when the mean cosine between its speakers is above ``cosine``, or when all its anchors
    are active and the loss stands at the margin within 2 %: embeddings of any length have then met, or nothing is
    learned. Training starts near there, hence the patience.

    Args:
        patience: steps in a row.
        cosine: between speakers, above which a batch counts as collapsed.

    Attributes:
        suspicious: collapsed batches in a row so far; the whole state.

    Raises:
        ValueError: the patience is below 1, or the cosine is not in (0, 1).

    Example:
        >>> guard = CollapseGuard(patience=2)
        >>> ill = TripletHealth(1.0, 1.0, 1e-4, 1e-4, between_speakers=0.9999, spread=0.01)
        >>> guard.watch(ill) is None
        True
        >>> print(guard.watch(ill))
        The embeddings have collapsed: for 2 steps the mean cosine between speakers was above 0.98 (now 1.000), or the
        loss stood at the margin (now at 1.00 of it, with distances of 0.0001 to positives and 0.0001 to negatives)
    """

    patience: int = 100
    cosine: float = 0.98
    suspicious: int = 0

    def __post_init__(self) -> None:
        if self.patience < 1 or not 0 < self.cosine < 1:
            raise ValueError(
                f"patience must be at least 1 and cosine in (0, 1), not {self.patience} and {self.cosine}"
            )

    def watch(self, health: TripletHealth) -> str | None:
        """Take in a step; return what was seen, without a full stop, when it has collapsed, and count anew."""
        at_margin = health.active == 1 and abs(health.loss_over_margin - 1) < AT_MARGIN
        collapsed = at_margin or health.between_speakers > self.cosine
        self.suspicious = self.suspicious + 1 if collapsed else 0
        if self.suspicious < self.patience:
            return None
        self.suspicious = 0
        return (
            f"The embeddings have collapsed: for {self.patience} steps the mean cosine between speakers was above "
            f"{self.cosine:g} (now {health.between_speakers:.3f}), or the loss stood at the margin (now at "
            f"{health.loss_over_margin:.2f} of it, with distances of {health.to_positives:.2g} to positives and "
            f"{health.to_negatives:.2g} to negatives)"
        )
