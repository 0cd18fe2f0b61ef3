"""Which ids of a trial list are one speaker."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from speakertrip.manifests import Trials

IntArray = npt.NDArray[np.int64]


def speaker_groups(
    trials: Trials, speakers: Mapping[str, str] | None = None
) -> tuple[IntArray, IntArray, int]:
    """Number the speakers of both sides of each trial.

    Args:
        trials: a trial list.
        speakers: the speaker of each id, from a manifest; None: ids that target trials join are one speaker.

    Returns:
        ``(enrollment, test, count)``: two int arrays ``(trials,)`` with values below ``count``.

    Raises:
        KeyError: an id has no speaker in the mapping.

    Examples:
        >>> trials = Trials.of(["a", "b", "a"], ["b", "c", "d"], np.array([True, True, False]))
        >>> speaker_groups(trials)
        (array([0, 0, 0]), array([0, 0, 1]), 2)
    """
    if speakers is None:
        ones = np.ones(np.count_nonzero(trials.targets), dtype=np.bool_)
        joined = coo_array(
            (ones, (trials.first[trials.targets], trials.second[trials.targets])),
            shape=(len(trials.ids),) * 2,
        )
        count, group = connected_components(joined, directed=False)
    else:
        names: dict[str, int] = {}
        group = [names.setdefault(speakers[id_], len(names)) for id_ in trials.ids]
        count = len(names)
    group = np.asarray(group, dtype=np.int64)
    return group[trials.first], group[trials.second], int(count)
