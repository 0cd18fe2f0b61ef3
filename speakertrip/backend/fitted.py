"""What a calibration was fitted on, so that it is not reported on the same utterances."""

import hashlib

from pydantic import Field

from speakertrip.config import Frozen
from speakertrip.manifests import Trials

KEPT = 4_096  # hashes of ids that are kept: the lowest ones, which are a sample whatever the list is
DIGITS = 12  # hexadecimal, of each
SHARE = 0.1  # of a list's utterances, from which what is known of it would show


class FittedOn(Frozen):
    """The trials that a calibration was fitted on.

    Attributes:
        name: of the list, as it was called.
        trials: how many, of which ``targets`` are target trials.
        ids: the lowest hashes of the ids of both sides, at most ``KEPT``.
        complete: whether these are all.
    """

    name: str
    trials: int = Field(ge=2)
    targets: int = Field(ge=1)
    ids: tuple[str, ...]
    complete: bool

    @classmethod
    def of(cls, trials: Trials, name: str) -> "FittedOn":
        """Describe a trial list.

        Examples:
            >>> one = FittedOn.of(Trials.of(["a", "a"], ["b", "c"], [True, False]), "one.txt")
            >>> one.overlaps(Trials.of(["c", "d"], ["a", "a"], [False, True]))
            True
            >>> one.overlaps(Trials.of(["d", "d"], ["e", "f"], [True, False]))
            False
        """
        hashes = sorted(map(_hash, trials.ids))
        return cls(
            name=name,
            trials=len(trials),
            targets=int(trials.targets.sum()),
            ids=tuple(hashes[:KEPT]),
            complete=len(hashes) <= KEPT,
        )

    def overlaps(self, trials: Trials) -> bool:
        """Tell whether a tenth of the utterances of a list, or more, were fitted on.

        Of a list with more ids than are kept, those with the lowest hashes are looked at: a sample.
        """
        known = set(self.ids)
        looked_at = [hash_ for hash_ in map(_hash, trials.ids) if self.complete or hash_ <= self.ids[-1]]
        shared = sum(hash_ in known for hash_ in looked_at)
        return shared > 0 and shared >= SHARE * len(looked_at)


def _hash(id_: str) -> str:
    return hashlib.sha256(id_.encode("utf-8", "surrogateescape")).hexdigest()[:DIGITS]
