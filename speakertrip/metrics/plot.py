"""Pictures of error rates: DET curves, score histograms, calibration. Needs matplotlib (the ``plot`` extra)."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.special import ndtri

from speakertrip.manifests.lines import FilePath, replacing
from speakertrip.metrics.costs import OperatingPoint
from speakertrip.metrics.det import DetCurve
from speakertrip.metrics.error_rates import equal_error_rate
from speakertrip.metrics.hull import convex_hull

TICKS = (0.001, 0.005, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8)
LEAST = 1e-4  # normal deviates of 0 and 1 are infinite
POINTS = 2_000  # of a drawn curve, at most
BINS = 80


def plot_det(
    curves: Mapping[str, DetCurve],
    points: Sequence[OperatingPoint] = (),
    intervals: Mapping[str, tuple[float, float]] | None = None,
) -> Figure:
    """Draw DET curves on normal-deviate axes, with their EER and the thresholds of lowest cost.

    Args:
        curves: by the name of the system.
        points: where the lowest cost is marked.
        intervals: of the EER, by the name of the system; drawn along the line of equal errors.
    """
    figure, axes = _figure((6, 6))
    for name, curve in curves.items():
        kept = _thin(curve)
        eer = equal_error_rate(curve)
        (line,) = axes.plot(
            _deviate(curve.false_alarm[kept]), _deviate(curve.miss[kept]), label=f"{name}: EER {eer:.2%}"
        )
        axes.plot(_deviate(eer), _deviate(eer), "o", color=line.get_color())
        if intervals and name in intervals:
            ends = _deviate(np.array(intervals[name]))
            axes.plot(ends, ends, "-|", color=line.get_color(), alpha=0.6)
        for point, marker in zip(points, "sD^v", strict=False):
            best = int(point.cost(curve.miss, curve.false_alarm).argmin())
            label = f"{name}: lowest cost at p = {point.p_target:g}"
            place = _deviate(curve.false_alarm[best]), _deviate(curve.miss[best])
            axes.plot(*place, marker, color=line.get_color(), markerfacecolor="none", label=label)
    axes.plot(_deviate(np.array(TICKS)), _deviate(np.array(TICKS)), ":", color="grey", linewidth=0.8)
    for axis, label in ((axes.xaxis, "false-alarm rate"), (axes.yaxis, "miss rate")):
        axis.set_ticks(_deviate(np.array(TICKS)), [f"{100 * tick:g} %" for tick in TICKS])
        axis.set_label_text(label)
    axes.set(xlim=_deviate(np.array([5e-4, 0.9])), ylim=_deviate(np.array([5e-4, 0.9])))
    axes.legend(fontsize="small")
    axes.grid(alpha=0.3)
    return figure


def plot_scores(scores: npt.ArrayLike, targets: npt.ArrayLike, thresholds: Mapping[str, float]) -> Figure:
    """Draw how the scores of targets and of nontargets are spread, with some thresholds by name."""
    figure, axes = _figure((7, 4))
    values, truth = np.asarray(scores), np.asarray(targets, dtype=np.bool_)
    edges = np.linspace(values.min(), values.max() + 1e-6, BINS)
    for name, kind in (("targets", truth), ("nontargets", ~truth)):
        axes.hist(values[kind], edges.tolist(), density=True, alpha=0.5, label=f"{kind.sum():,} {name}")
    for style, (name, threshold) in zip(("-", "--", ":", "-."), thresholds.items(), strict=False):
        axes.axvline(
            threshold, color="black", linestyle=style, linewidth=0.9, label=f"{name}: {threshold:.4g}"
        )
    axes.set(xlabel="score", ylabel="density")
    axes.legend(fontsize="small")
    return figure


def plot_calibration(curve: DetCurve) -> Figure:
    """Draw the likelihood ratio that each score turned out to mean (by the convex hull) against the score itself."""
    figure, axes = _figure((5, 5))
    hull = convex_hull(curve)
    target, nontarget = np.diff(hull.miss), -np.diff(hull.false_alarm)
    mixed = np.flatnonzero((target > 0) & (nontarget > 0))  # of one kind alone, the ratio is infinite
    ends = np.minimum(hull.thresholds[1:], curve.thresholds[-2])
    axes.hlines(np.log(target[mixed] / nontarget[mixed]), hull.thresholds[mixed], ends[mixed], label="found")
    line = np.array(axes.get_xlim())
    axes.plot(line, line, ":", color="grey", label="calibrated")
    axes.set(xlabel="score, taken for a natural-log likelihood ratio", ylabel="natural-log likelihood ratio")
    axes.legend(fontsize="small")
    axes.grid(alpha=0.3)
    return figure


def save(figure: Figure, path: FilePath) -> None:
    """Write a figure as PNG.

    Raises:
        StorageError: it cannot be written.
    """
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=120, format="png")


def _figure(size: tuple[float, float]) -> tuple[Figure, Axes]:
    figure = Figure(size, layout="constrained")  # none of pyplot's global state
    return figure, figure.add_subplot()


def _deviate(rates: npt.ArrayLike) -> npt.NDArray[np.float64]:
    return np.asarray(ndtri(np.clip(rates, LEAST, 1 - LEAST)))


def _thin(curve: DetCurve) -> npt.NDArray[np.int64]:
    """Return points of a curve that are apart on normal-deviate axes; a curve may hold millions."""
    way = _deviate(curve.miss) - _deviate(curve.false_alarm)
    cells = np.floor((way - way[0]) / (way[-1] - way[0]) * POINTS).astype(np.int64)
    return np.flatnonzero(np.append(True, (np.diff(cells) > 0)))
