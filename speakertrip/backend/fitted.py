"""What a calibration was fitted on, so that it is not reported on the same trials."""

import hashlib

import numpy as np
from pydantic import Field

from speakertrip.config import Frozen
from speakertrip.manifests import Trials


class FittedOn(Frozen):
    """The trials that a calibration was fitted on.

    Attributes:
        name: of the list, as it was called.
        trials: how many, of which ``targets`` are target trials.
        pairs: hash of the pairs, in whatever order.
        ids: hash of their ids.
    """

    name: str
    trials: int = Field(ge=2)
    targets: int = Field(ge=1)
    pairs: str
    ids: str

    @classmethod
    def of(cls, trials: Trials, name: str) -> "FittedOn":
        """Describe a trial list.

        Examples:
            >>> one = FittedOn.of(Trials.of(["a", "a"], ["b", "c"], [True, False]), "one.txt")
            >>> one.overlaps(Trials.of(["c", "a"], ["a", "b"], [False, True]))
            True
            >>> one.overlaps(Trials.of(["a", "d"], ["b", "a"], [True, False]))
            False
        """
        pairs, ids = _hashes(trials)
        return cls(name=name, trials=len(trials), targets=int(trials.targets.sum()), pairs=pairs, ids=ids)

    def overlaps(self, trials: Trials) -> bool:
        """Tell whether a list has the same pairs, in any order of lines and sides, or pairs of the same ids."""
        pairs, ids = _hashes(trials)
        return pairs == self.pairs or ids == self.ids


def _hashes(trials: Trials) -> tuple[str, str]:
    order = sorted(range(len(trials.ids)), key=trials.ids.__getitem__)
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    sides = np.sort(np.stack([rank[trials.first], rank[trials.second]]), axis=0)
    keys = np.unique(sides[0] * len(order) + sides[1])
    ids = hashlib.sha256("\n".join(trials.ids[row] for row in order).encode())
    pairs = hashlib.sha256(ids.digest() + keys.astype("<i8").tobytes())
    return pairs.hexdigest(), ids.hexdigest()
