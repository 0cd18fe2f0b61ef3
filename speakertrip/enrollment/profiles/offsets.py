"""Per-profile calibration: how much higher strangers score against one profile than against another."""

import numpy as np
import numpy.typing as npt

from speakertrip.enrollment.profiles.own_trials import OwnTrials

FloatArray = npt.NDArray[np.float64]


def profile_offsets(trials: OwnTrials, profiles: int) -> FloatArray:
    """Return by how much the nontarget scores of each profile lie above those of all, shrunk towards 0.

    A voice that is like many others, or a noisy recording, draws high scores from strangers; less its offset, a score
    is as rare against each profile. The mean of few scores says little, so each is shrunk as far as its variance asks
    (empirical Bayes: C. Morris, "Parametric empirical Bayes inference", JASA 78, 1983).

    Args:
        trials: among the profiles.
        profiles: how many there are.

    Returns:
        ``(profiles,)``, in the units of the scores; 0 where a profile has no nontarget trial.

    Example:
        >>> rows = np.repeat([0, 1], 1000)
        >>> scores = np.tile(np.float32([-1, 1]), 1000) + np.repeat(np.float32([0, 2]), 1000)
        >>> trials = OwnTrials(scores, np.zeros(2000, bool), rows, 1 - rows)
        >>> profile_offsets(trials, 2).round(2)
        array([-1.,  1.])
    """
    rows, scores = trials.enrollments[~trials.targets], trials.scores[~trials.targets].astype(np.float64)
    counts = np.bincount(rows, minlength=profiles)
    seen = counts > 0
    means = np.bincount(rows, weights=scores, minlength=profiles) / np.maximum(counts, 1)
    centre = means[seen].mean() if seen.any() else 0.0
    if np.count_nonzero(seen) < 2:
        return np.zeros(profiles)
    within = np.square(scores - means[rows]).sum() / max(1, len(scores) - np.count_nonzero(seen))
    noise = within / np.maximum(counts, 1)
    between = max(0.0, means[seen].var(ddof=1) - noise[seen].mean())
    share = between / (between + noise) if between else np.zeros(profiles)
    return np.where(seen, share * (means - centre), 0.0)


def without_offsets(trials: OwnTrials, profiles: int) -> npt.NDArray[np.float32]:
    """Return the scores less their profiles' offsets, each found on trials of other speakers than its own.

    The speakers of the tests are parted in two halves; what one half says of the profiles is taken from the scores of
    the other. So what is counted on these scores is not made good by being counted on the trials that were fitted.
    """
    scores = trials.scores.astype(np.float64)
    half = trials.tests % 2
    for part in (0, 1):
        fitted, kept = half != part, half == part
        known = OwnTrials(
            trials.scores[fitted], trials.targets[fitted], trials.enrollments[fitted], trials.tests[fitted]
        )
        scores[kept] -= profile_offsets(known, profiles)[trials.enrollments[kept]]
    return scores.astype(np.float32)
