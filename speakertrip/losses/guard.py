"""Notice when a triplet training collapses."""

from dataclasses import dataclass, field

from speakertrip.losses.health import TripletHealth


@dataclass(slots=True)
class CollapseGuard:
    """Watches the health of each step, and speaks when all speakers have met in one point for too long.

    A batch counts as collapsed when the mean cosine between its speakers is above ``cosine``: the loss then stands
    at the margin, whatever the batch. Training starts near there, hence the patience.

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
        The embeddings have collapsed: for 2 steps the mean cosine between speakers was above 0.98 (now 1.000), and the
        loss stands at 1.00 of the margin with distances of 0.0001 to positives and 0.0001 to negatives
    """

    patience: int = 100
    cosine: float = 0.98
    suspicious: int = field(default=0)

    def __post_init__(self) -> None:
        if self.patience < 1 or not 0 < self.cosine < 1:
            raise ValueError(
                f"patience must be at least 1 and cosine in (0, 1), not {self.patience} and {self.cosine}"
            )

    def watch(self, health: TripletHealth) -> str | None:
        """Take in a step; return what was seen, without a full stop, when it has collapsed, and count anew."""
        self.suspicious = self.suspicious + 1 if health.between_speakers > self.cosine else 0
        if self.suspicious < self.patience:
            return None
        self.suspicious = 0
        return (
            f"The embeddings have collapsed: for {self.patience} steps the mean cosine between speakers was above "
            f"{self.cosine:g} (now {health.between_speakers:.3f}), and the loss stands at "
            f"{health.loss_over_margin:.2f} of the margin with distances of {health.to_positives:.2g} to positives "
            f"and {health.to_negatives:.2g} to negatives"
        )
