"""The convex hull of a DET curve: what the best monotone calibration of the scores would reach."""

import numpy as np
import scipy  # its parts are loaded where they are used

from speakertrip.metrics.det import DetCurve


def convex_hull(curve: DetCurve) -> DetCurve:
    """Return the points of a curve that lie on its lower-left convex hull.

    Pooling adjacent violators of the targets' share in each step walks that hull: a pooled block of scores is one
    straight piece (Fawcett and Niculescu-Mizil, "PAV and the ROC convex hull", Machine Learning 68, 2007).

    Examples:
        >>> from speakertrip.metrics import det_curve
        >>> convex_hull(det_curve([0.1, 0.4, 0.35, 0.8], [False, False, True, True])).miss
        array([0. , 0. , 0.5, 1. ])
    """
    rise, fall = np.diff(curve.miss), -np.diff(curve.false_alarm)
    both = rise + fall  # a step of no weight, as of a trial that was not drawn, has nothing to order it by
    kept = both > 0
    blocks = scipy.optimize.isotonic_regression(rise[kept] / both[kept], weights=both[kept]).blocks
    points = np.append(np.flatnonzero(kept), len(both))[blocks]
    return DetCurve(curve.miss[points], curve.false_alarm[points], curve.thresholds[points])
