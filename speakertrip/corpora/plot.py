"""A picture of what a manifest holds. Needs matplotlib (the ``plot`` extra)."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from speakertrip.corpora.stats import FloatArray, Stats

BINS = 40
BARS = 15  # the largest groups


def plot_stats(stats: Stats) -> Figure:
    """Draw the spreads of durations, utterances and sessions, and the hours of the largest groups of each key."""
    spreads, groups = stats.spreads, stats.groups
    columns = max(len(spreads), len(groups))
    figure = Figure((4 * columns, 7 if groups else 3.5), layout="constrained")
    axes = figure.subplots(2 if groups else 1, columns, squeeze=False)
    for place, (name, values) in enumerate(spreads.items()):
        _draw_spread(axes[0, place], name.replace("_", " "), values)
    for place, key in enumerate(groups):
        _draw_groups(axes[1, place], key, stats)
    for each in axes.flat:
        each.set_visible(each.has_data())
    return figure


def _draw_spread(axes: Axes, name: str, values: FloatArray) -> None:
    whole = bool((values == np.rint(values)).all())
    low, high = values.min(), values.max()
    if whole and high - low < BINS:
        edges = np.arange(low, high + 2) - 0.5
    elif low > 0 and high > 20 * low:  # some speakers have a thousand times what others have
        edges = np.geomspace(low, high, BINS)
        axes.set_xscale("log")
    else:
        edges = np.linspace(low, high + 1e-9, BINS)
    axes.hist(values, edges.tolist())
    axes.set(xlabel=name, ylabel="speakers" if name.endswith("speaker") else "utterances")


def _draw_groups(axes: Axes, key: str, stats: Stats) -> None:
    shown = list(stats.groups[key].items())[:BARS]
    stated = stats.total.hours > 0
    sizes = [amount.hours if stated else amount.utterances for _, amount in shown]
    places = np.arange(len(shown))
    axes.barh(places, sizes)
    axes.set_yticks(places, [value or "not stated" for value, _ in shown])
    axes.invert_yaxis()
    left = len(stats.groups[key]) - len(shown)
    title = key.replace("_", " ") + (f", the largest {BARS} of {len(shown) + left}" if left else "")
    axes.set(xlabel="hours" if stated else "utterances", title=title)
