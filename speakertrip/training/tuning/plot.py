"""A picture of a tune: error rate against margin. Needs matplotlib (the ``tune`` extra)."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator, StrMethodFormatter

from speakertrip.training.tuning.records import TrialRecord
from speakertrip.training.tuning.report import Findings
from speakertrip.training.tuning.space import Point

TICKS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 4.0)


def plot_margin(findings: Findings) -> Figure:
    """Draw the EER of each judged trial against its margin, with its 95 % interval; pruned trials are hollow."""
    figure = Figure((6.4, 4), layout="constrained")
    axes = figure.add_subplot()
    judged = [record for record in findings.records if record.verdict and record.point]
    shares = np.log10([_point(record).hard_share for record in judged])
    colours = figure.colorbar(
        axes.scatter([], [], c=[], cmap="viridis", vmin=shares.min() - 0.01, vmax=shares.max() + 0.01),
        ax=axes,
    )
    colours.set_label("hard share")
    colours.ax.yaxis.set_major_formatter(lambda value, _: f"{10**value:.2g}")
    for record, share in zip(judged, shares, strict=True):
        _draw(axes, record, colours.cmap(colours.norm(share)))
    best = findings.best
    if best and best.verdict:
        axes.plot(
            _point(best).margin, 100 * best.verdict.eer, "o", ms=14, mfc="none", mec="black", label="best"
        )
    axes.plot([], [], "o", color="grey", label="complete")
    if any(record.state == "pruned" for record in judged):
        axes.plot([], [], "o", color="grey", mfc="white", label="pruned, at the steps done")
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator(TICKS))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.set(xlabel="margin (squared distance)", ylabel="EER on held-out training speakers, %")
    axes.set_ylim(bottom=0)
    axes.legend(fontsize="small")
    axes.grid(alpha=0.3)
    return figure


def _draw(axes: Axes, record: TrialRecord, colour: tuple[float, ...]) -> None:
    assert record.verdict is not None, "of judged trials only"
    eer, (low, high) = 100 * record.verdict.eer, record.verdict.interval
    axes.errorbar(
        _point(record).margin,
        eer,
        [[max(0.0, eer - 100 * low)], [max(0.0, 100 * high - eer)]],  # the EER may lie outside by rounding
        fmt="o",
        color=colour,
        markerfacecolor=colour if record.state == "complete" else "white",
        capsize=2,
        elinewidth=0.9,
    )


def _point(record: TrialRecord) -> Point:
    assert record.point is not None, "what was judged was drawn"
    return record.point
