"""Effects one after the other, each with its probability."""

from collections.abc import Sequence
from itertools import compress

import numpy as np

from speakertrip.audio.augment.effect import Effect, Note, Waveform, no_note


class Chain:
    """Effects in order; which of them happen is drawn first, so that it does not depend on what they draw.

    Args:
        links: each effect behind its probability, in [0, 1]; in order.
    """

    def __init__(self, links: Sequence[tuple[float, Effect]]) -> None:
        self.probabilities = [probability for probability, _ in links]
        self.effects = [effect for _, effect in links]

    def transform(self, waveform: Waveform, rng: np.random.Generator, note: Note = no_note) -> Waveform:
        """See ``Effect``."""
        chosen = rng.random(len(self.effects)) < self.probabilities
        for effect in compress(self.effects, chosen):
            waveform = effect.transform(waveform, rng, note)
        return waveform
