import math

import numpy as np
import pytest

from speakertrip.metrics.plot import save
from speakertrip.training.plot import CURVES, POINTS, plot_curves, plot_map


def rows(count):
    return [
        {"step": step, "loss": 1 / step, "active": 0.5, "lr": 1e-3, "margin": None}
        for step in range(1, count)
    ] + [{"step": count, "loss": 0.1, "validation_eer": 0.2, "validation_eer_interval": [0.1, 0.4]}]


def shown(figure):
    return {axes.get_title(): axes for axes in figure.axes if axes.get_visible()}


def test_curves_hold_the_records_and_the_interval():
    axes = shown(plot_curves({"run": rows(30)}))
    assert set(axes) == {CURVES[name] for name in ("loss", "active", "validation_eer", "lr")}
    (line,) = axes["loss"].lines
    assert line.get_xdata().tolist() == list(range(1, 31))
    assert line.get_ydata()[:3] == pytest.approx([1, 1 / 2, 1 / 3])
    (band,) = axes[CURVES["validation_eer"]].collections
    assert {tuple(point) for point in band.get_paths()[0].vertices} == {(30, 0.1), (30, 0.4)}


def test_several_runs_share_a_picture_by_name(tmp_path):
    figure = plot_curves({"_$x$": rows(5), "b": rows(9), "none": []})
    axes = shown(figure)
    assert len(axes["loss"].lines) == 2
    names = [text.get_text().strip() for text in axes["loss"].get_legend().texts]
    assert names == [r"_\$x\$", "b"]
    save(figure, tmp_path / "curves.png")


def test_long_runs_are_thinned_and_empty_or_odd_ones_drawn(tmp_path):
    (line,) = shown(plot_curves({"run": rows(9_000)}))["loss"].lines
    assert POINTS / 2 < len(line.get_xdata()) <= POINTS
    for odd in (
        [],
        [{"step": 1}],
        [{"step": 1, "loss": math.nan}],
        [{"step": 1, "loss": "x"}],
        [{"step": 1, "validation_eer": 0.1, "validation_eer_interval": "wide"}],
        [{"step": 1, "validation_eer": 0.1, "validation_eer_interval": [0.1, None]}],
    ):
        save(plot_curves({"run": odd}), tmp_path / "odd.png")


def test_a_map_has_a_mark_for_each_speaker(tmp_path):
    speakers = [f"_s{n // 3}" for n in range(60)]
    places = np.random.default_rng(0).normal(size=(60, 2))
    figure = plot_map(places, speakers)
    (axes,) = figure.axes
    assert len(axes.collections) == len(axes.get_legend().texts) == 20
    assert axes.collections[1].get_offsets().tolist() == places[3:6].tolist()
    looks = {(tuple(c.get_facecolor()[0]), c.get_paths()[0].vertices.tobytes()) for c in axes.collections}
    assert len(looks) == 20
    save(figure, tmp_path / "map.png")
