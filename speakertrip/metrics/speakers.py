"""Which ids of a trial list are one speaker."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import scipy  # its parts are loaded where they are used

from speakertrip.manifests import Trials

IntArray = npt.NDArray[np.int64]


def speaker_groups(
    trials: Trials, speakers: Mapping[str, str] | None = None
) -> tuple[IntArray, IntArray, int]:
    """Number the speakers of both sides of each trial, in an order that does not depend on that of the lines.

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
        joined = scipy.sparse.coo_array(
            (ones, (trials.first[trials.targets], trials.second[trials.targets])),
            shape=(len(trials.ids),) * 2,
        )
        _, component = scipy.sparse.csgraph.connected_components(joined, directed=False)
        names = dict(sorted(zip(component.tolist(), trials.ids, strict=True), reverse=True))  # its first id
        of_ids = [names[place] for place in component.tolist()]
    else:
        of_ids = [speakers[id_] for id_ in trials.ids]
    distinct, group = np.unique(np.array(of_ids, dtype=object), return_inverse=True)
    return group[trials.first], group[trials.second], len(distinct)
