import pytest

from speakertrip.metrics import PairedDifference
from speakertrip.training.tuning.judging import Verdict
from speakertrip.training.tuning.records import TrialRecord
from speakertrip.training.tuning.report import Findings
from speakertrip.training.tuning.space import Point

plot = pytest.importorskip("speakertrip.training.tuning.plot")


def record(number, state, margin, eer):
    verdict = Verdict(eer, (eer - 0.02, eer + 0.03)) if eer else None
    return TrialRecord(number, state, Point(margin, 0.05 * (number + 1), 40, 4, 1e-3), verdict, 6)


def test_each_judged_trial_is_a_point_with_its_interval():
    records = [
        record(1, "complete", 0.4, 0.1),
        record(0, "complete", 0.1, 0.2),
        record(2, "pruned", 1.0, 0.3),
        record(3, "failed", 1.4, 0),
    ]
    behind = {0: PairedDifference(0.1, (0.05, 0.15), 0.01)}
    figure = plot.plot_margin(Findings(records, behind, speakers=9, trials=50, targets=10, wanted=4))
    axes = figure.axes[0]
    assert axes.get_xscale() == "log"
    bars = [container.lines for container in axes.containers]
    places = [(points.get_xdata()[0], points.get_ydata()[0]) for points, _, _ in bars]
    assert places == [(0.4, pytest.approx(10)), (0.1, pytest.approx(20)), (1.0, pytest.approx(30))]
    for (_, eer), (_, _, (bar,)) in zip(places, bars, strict=True):
        low, high = bar.get_segments()[0][:, 1]
        assert (low, high) == (pytest.approx(eer - 2), pytest.approx(eer + 3))
    hollow = [points.get_markerfacecolor() == "white" for points, _, _ in bars]
    assert hollow == [False, False, True]
    assert [text.get_text() for text in axes.get_legend().texts] == [
        "best",
        "complete",
        "pruned, at the steps done",
    ]


def test_one_trial_alone_is_drawn():
    findings = Findings([record(0, "pruned", 0.4, 0.1)], {}, speakers=9, trials=50, targets=10, wanted=2)
    assert findings.best is None
    assert not findings.done
    assert len(plot.plot_margin(findings).axes[0].containers) == 1
