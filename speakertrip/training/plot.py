"""Pictures of training runs: their curves, and where embeddings lie. Needs matplotlib (the ``plot`` extra)."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from speakertrip.training.runs_values import finite_number, interval_of

Rows = Sequence[Mapping[str, Any]]
CURVES = {  # name in metrics.jsonl: title
    "loss": "loss",
    "loss_over_margin": "loss in margins (1: collapsed)",
    "active": "active share of the anchors",
    "batch_eer": "EER of a batch",
    "validation_eer": "EER of the validation, 95 % interval",
    "lr": "learning rate",
    "margin": "margin",
    "utterances_per_second": "utterances per second",
}
COLUMNS = 2
POINTS = 2_000  # of a drawn curve, at most
FEW = 50  # below so many, each is marked


def plot_curves(runs: Mapping[str, Rows]) -> Figure:
    """Draw what the records of runs hold, by the name of the run; what no run has is left out.

    Args:
        runs: rows of ``metrics.jsonl``, by the name of the run.
    """
    rows = [row for each in runs.values() for row in each]
    shown = [name for name in CURVES if any(finite_number(row.get(name)) is not None for row in rows)]
    height = max(1, -(-len(shown) // COLUMNS))
    figure = Figure((5.5 * COLUMNS, 2.6 * height), layout="constrained")  # none of pyplot's global state
    axes = figure.subplots(height, COLUMNS, squeeze=False)
    for place, name in zip(axes.flat, shown, strict=False):
        for run, each in runs.items():
            _draw(place, name, run, each)
        place.set(title=CURVES[name], xlabel="step")
        place.grid(alpha=0.3)
    if len(runs) > 1 and shown:
        axes[0, 0].legend(fontsize="small")
    for place in axes.flat[len(shown) :]:
        place.set_visible(False)
    return figure


def plot_map(places: npt.NDArray[np.floating], speakers: Sequence[str]) -> Figure:
    """Draw where embeddings lie on a plane, one colour a speaker.

    Args:
        places: ``(count, 2)``.
        speakers: of each.
    """
    figure = Figure((7, 5.5), layout="constrained")
    axes = figure.add_subplot()
    for number, speaker in enumerate(dict.fromkeys(speakers)):
        own = places[[each == speaker for each in speakers]]
        # A leading underscore would hide a speaker's name from the legend.
        axes.scatter(own[:, 0], own[:, 1], s=18, color=f"C{number % 10}", marker="os^Dv"[number // 10 % 5],
                     label=_plain(speaker))  # fmt: skip
    axes.set(xlabel="first principal axis", ylabel="second principal axis", aspect="equal")
    axes.legend(fontsize="x-small", loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def _draw(axes: Axes, name: str, run: str, rows: Rows) -> None:
    known = [row for row in rows if finite_number(row.get(name)) is not None]
    if not known:
        return
    known = known[:: -(-len(known) // POINTS)]
    steps = [row["step"] for row in known]
    style = ".-" if len(known) < FEW else "-"
    (line,) = axes.plot(steps, [row[name] for row in known], style, linewidth=1, label=_plain(run))
    ends = [interval_of(row.get(f"{name}_interval")) for row in known]
    banded = [(step, *pair) for step, pair in zip(steps, ends, strict=True) if pair]
    if banded:
        at, low, high = zip(*banded, strict=True)
        axes.fill_between(at, low, high, alpha=0.2, color=line.get_color())


def _plain(name: str) -> str:
    r"""Keep a name from being read as a formula, or left out of a legend."""
    return " " + name.replace("$", r"\$")
