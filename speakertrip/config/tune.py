"""What a search over training options may try."""

from typing import Annotated

from pydantic import AfterValidator, Field

from speakertrip.config.frozen import Frozen, Width, ordered
from speakertrip.config.losses import SquaredDistance

Share = Annotated[float, Field(gt=0, le=1)]
Factor = Annotated[float, Field(ge=1e-3, le=1e3)]


class TuneSpace(Frozen):
    """Ranges ``[lowest, highest]``, searched on a logarithmic scale; two equal ends fix an option.

    Attributes:
        margin: of the triplet loss, a squared distance.
        hard_share: of the nearest negatives, ``loss.miner.share``.
        utterances: of each speaker in a batch, K; speakers P are as many as keep the size of the recipe's batch.
        lr: the learning rate, in times the recipe's.
    """

    margin: Annotated[tuple[SquaredDistance, SquaredDistance], AfterValidator(ordered)] = (0.05, 1.5)
    hard_share: Annotated[tuple[Share, Share], AfterValidator(ordered)] = (0.01, 0.5)
    utterances: tuple[Annotated[Width, Field(ge=2)], ...] = Field((2, 4, 8), min_length=1)
    lr: Annotated[tuple[Factor, Factor], AfterValidator(ordered)] = (0.25, 4.0)
