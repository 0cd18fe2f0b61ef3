"""What a reader of one kind of file is asked for, and what a file says of itself."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AudioHeader:
    """What a file says of itself.

    Attributes:
        sample_rate: in hertz.
        duration: in seconds.
        channels: how many.
    """

    sample_rate: int
    duration: float
    channels: int


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a file, in seconds.

    Attributes:
        start: where it begins, at least 0.
        duration: how long it is; None, or more than there is: to the end.
        slack: where less than this would be left of the file, it goes to the end.
    """

    start: float = 0.0
    duration: float | None = None
    slack: float = 0.0

    def within(self, frames: int, rate: int) -> tuple[int, int]:
        """Return ``(first frame, how many)`` in a file of so many frames, at a rate in hertz.

        >>> Stretch(0.5, 1.0).within(32_000, 16_000), Stretch(0.5, 1.499, slack=0.01).within(32_000, 16_000)
        ((8000, 16000), (8000, 24000))
        """
        # The minimum first: a product may overflow to infinity.
        first = round(min(max(self.start, 0.0) * rate, frames))
        rest = frames - first
        count = rest if self.duration is None else round(min(self.duration * rate, rest))
        return first, rest if rest - count <= self.slack * rate else count

    def end(self, rate: int) -> float:
        """Return the frame by which it surely ends."""
        return float("inf") if self.duration is None else (self.start + self.duration + self.slack) * rate + 1
