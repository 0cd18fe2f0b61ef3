"""Who may be among the best, by a matrix: all whom rounding does not rule out."""

import numpy as np
import numpy.typing as npt

from speakertrip.backend.ranking import Terms
from speakertrip.enrollment.search.matrix import View
from speakertrip.enrollment.search.nearest import Nearest, nearest

IntArray = npt.NDArray[np.int64]
SPARE = 16  # more rows than are wanted: rounding may have them in another order
ROUNDING = 2e-5  # of an inner product of unit vectors in single precision, at most


def slack_of(view: View, scale: float) -> float:
    """Return by how much rounding may change a key of a probe of some scale."""
    return ROUNDING * (view.scale + scale) + ROUNDING / 20 * view.offset


def nominees(view: View, probes: Terms, top: int) -> list[IntArray]:
    """Return, for each probe, the row numbers of all speakers whose score may be among the ``top`` highest.

    More rows are looked at until the last of them is lower than the last that counts by more than rounding explains.
    """
    found: dict[int, IntArray] = {}
    count = top + SPARE
    while pending := [probe for probe in range(len(probes.rows)) if probe not in found]:
        some = Terms(probes.rows[pending], probes.scale[pending], probes.offset[pending])
        for probe, near in zip(pending, nearest(view.table, some, count), strict=True):
            slack = slack_of(view, float(probes.scale[probe]))
            speakers = speakers_of(view, near, top, slack, len(near.rows) < count)
            if speakers is not None:
                found[probe] = speakers
        count *= 4
    return [found[probe] for probe in range(len(found))]


def speakers_of(view: View, near: Nearest, top: int, slack: float, everything: bool) -> IntArray | None:
    """Return the speakers of the nearest rows that may be among the best; None: of more rows than these."""
    owners = view.owners[near.rows]
    _, rows_of = np.unique(owners, return_index=True)
    firsts: IntArray = np.sort(rows_of)  # of each speaker's highest key
    enough = len(firsts) >= top
    lowest = near.keys[firsts[top - 1]] - slack if enough else -np.inf
    if not everything and (not enough or near.keys[-1] >= lowest):
        return None
    speakers: IntArray = owners[firsts[near.keys[firsts] >= lowest]]
    return speakers
