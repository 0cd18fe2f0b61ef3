from pathlib import Path

import pytest

from speakertrip.corpora.plot import BARS, plot_stats
from speakertrip.corpora.stats import compute_stats
from speakertrip.manifests import Utterance


def drawn(figure):
    return {axes.get_xlabel(): axes for axes in figure.axes if axes.get_visible() and not axes.get_title()}


def grouped(figure):
    return {axes.get_title(): axes for axes in figure.axes if axes.get_title()}


def test_bars_are_the_counts():
    rows = [
        Utterance(
            f"{n}",
            Path("a.wav"),
            f"s{n // (1 + n % 3)}",
            session=f"{n % 2}",
            duration=1 + n % 7,
            language=f"l{n % 20}",
        )
        for n in range(200)
    ]
    stats = compute_stats(rows)
    figure = plot_stats(stats)
    axes = drawn(figure)
    assert list(axes) == ["utterances per speaker", "sessions per speaker", "seconds per utterance"]
    for name, total in [("utterances per speaker", stats.total.speakers), ("seconds per utterance", 200)]:
        assert sum(bar.get_height() for bar in axes[name].patches) == total
    ((title, languages),) = grouped(figure).items()
    assert title == f"language, the largest {BARS} of 20"
    assert len(languages.patches) == BARS
    shown = list(stats.groups["language"].values())[:BARS]
    assert [bar.get_width() for bar in languages.patches] == pytest.approx([amount.hours for amount in shown])


@pytest.mark.parametrize(
    "row",
    [
        {},
        {"duration": 3.0},
        {"sex": "f"},
        {"session": "x", "sample_rate": 8000, "language": "$x_{", "extra": {"corpus": "ü"}},
    ],
)
def test_little_can_be_drawn_too(tmp_path, row):
    figure = plot_stats(compute_stats([Utterance("a", Path("a.wav"), "s", **row)]))
    figure.savefig(tmp_path / "a.png", format="png")
    assert (tmp_path / "a.png").stat().st_size > 1000


def test_a_wide_spread_is_drawn_by_its_logarithm(tmp_path):
    rows = [Utterance(f"{n}", Path("a.wav"), f"s{min(n, 50)}", duration=1.5) for n in range(2000)]
    axes = drawn(plot_stats(compute_stats(rows)))
    assert axes["utterances per speaker"].get_xscale() == "log"
    assert axes["seconds per utterance"].get_xscale() == "linear"
